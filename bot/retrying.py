"""Asking once more what failed for a passing reason, a little later each time and not all in step: stamina.

It is for single calls. Whoever goes on for ever (a courier, the breaker) keeps ``bot.rests`` between its tries.
"""

import stamina
import structlog
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

log = structlog.get_logger()

retries = stamina.retry_context


def _note(details: RetryDetails) -> None:
    log.info(
        "tried_again",
        error=type(details.caused_by).__name__,
        times=details.retry_num,
        next_try_in_seconds=round(details.wait_for, 1),
    )


# stamina's own writes down the arguments of a call and the message of its error: what people said, and tokens.
set_on_retry_hooks([_note])
