"""A bell: any number of coroutines wait for it, one ring wakes them all."""

import asyncio


class Bell:
    """Cheap when nobody listens, which is the normal case under load."""

    __slots__ = ("_waiters",)

    def __init__(self) -> None:
        self._waiters: set[asyncio.Future[bool]] = set()

    def ring(self) -> None:
        if not self._waiters:
            return
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(True)
        self._waiters.clear()

    async def wait(self, seconds: float) -> bool:
        """True when it rang, False when ``seconds`` passed first."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool] = loop.create_future()
        self._waiters.add(waiter)
        alarm = loop.call_later(max(seconds, 0), _give_up, waiter)
        try:
            return await waiter
        finally:
            alarm.cancel()
            self._waiters.discard(waiter)


def _give_up(waiter: asyncio.Future[bool]) -> None:
    if not waiter.done():
        waiter.set_result(False)
