"""Somebody with many chats and the full list of agreements, who guesses the last six characters of ID numbers.

An ID number (GB 11643) ends in the day of birth, three digits of sequence (odd for men) and a check character that
follows from all before it. The attacker is given more than the list: the sex (from the name) and the region; then the
check character hangs on the year and month of birth, which are not known.
"""

import heapq
import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import product

from api.errors import Locked, NotMatched, WayClosed
from api.identity.codes import ALPHABET, CODE_LENGTH
from api.identity.documents import id_check_character
from api.identity.limits import CHAT, agreement_closed_until
from api.settings import Settings
from tests.api.calls import by_agreement, by_code
from tests.security.tries import START, Tries

REGION = "999900"
PAUSE = timedelta(milliseconds=30)
"""Between two tries: Telegram brings no more updates in a second."""
_CHECK_CHARACTERS = "10X98765432"
_YEARS = range(1940, 2006)


def _residue(first17: str) -> int:
    return _CHECK_CHARACTERS.index(id_check_character(first17))


def likeliest_tails(male: bool = True) -> list[tuple[str, float]]:
    """The last six characters with their probability, the likeliest first; every birthday is as likely as any other,
    and so is every sequence number."""
    # The sum that the check character is made of is a sum of its digits' parts, modulo 11.
    months: dict[int, list[int]] = {day: [0] * 11 for day in range(1, 32)}
    for year, month, day in product(_YEARS, range(1, 13), range(1, 32)):
        if _exists(year, month, day):
            months[day][_residue(f"{REGION}{year}{month:02}{day:02}000")] += 1
    birthdays = sum(map(sum, months.values()))
    sequences = range(1 if male else 0, 1000, 2)
    found = []
    for sequence in sequences:
        part = _residue(f"{0:014}{sequence:03}")
        for day, residues in months.items():
            for residue, birthdays_with in enumerate(residues):
                check = _CHECK_CHARACTERS[(residue + part - _residue("0" * 17)) % 11]
                found.append((f"{day:02}{sequence:03}{check}", birthdays_with / birthdays / len(sequences)))
    return sorted(found, key=lambda tail: -tail[1])


def tails_of_a_birthday(born: date, male: bool = True) -> list[tuple[str, float]]:
    """What is left when the birthday is known too: the sequence number."""
    sequences = range(1 if male else 0, 1000, 2)
    numbers = [f"{REGION}{born:%Y%m%d}{sequence:03}" for sequence in sequences]
    return [((number + id_check_character(number))[-6:], 1 / len(sequences)) for number in numbers]


def _exists(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


@dataclass
class Family:
    """One agreement on the attacker's list, and how far the guessing at it has come."""

    number: str
    name: str
    tails: list[tuple[str, float]]
    guessed: int = 0
    ruled_out: float = 0.0
    wrong: list[datetime] = field(default_factory=list)
    closed_until: datetime = START

    def chance(self) -> float:
        """That the next guess is right, given that those before were wrong."""
        return self.tails[self.guessed][1] / (1 - self.ruled_out)

    def learn(self, now: datetime) -> None:
        """It was not that one."""
        self.ruled_out += self.tails[self.guessed][1]
        self.guessed += 1
        self.wrong.append(now)
        self.closed_until = agreement_closed_until(self.wrong[-30:]) or now


@dataclass
class Attack:
    """Guesses as fast as it is let, and comes back the moment a lock ends: all the limits are known to it."""

    tries: Tries
    settings: Settings
    families: list[Family]
    chats: int
    compared: int = 0
    expected: float = 0.0
    taken_over: int = 0
    refused: int = 0
    _guesses: list[datetime] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Neighbours would be locked together: each account from another neighbourhood is best.
        self._free = [(START, (number + 1) << 20) for number in range(self.chats)]
        self._wrong: dict[int, list[datetime]] = {chat_id: [] for _, chat_id in self._free}
        self._now = START

    async def go_on_for(self, length: timedelta) -> None:
        """Until so long after the start."""
        while True:
            since, _ = self._free[0]
            opens = min(family.closed_until for family in self.families)
            self._now = max(self._now + PAUSE, since, opens)
            if self._now >= START + length:
                return
            await self._try(heapq.heappop(self._free)[1])

    async def _try(self, chat_id: int) -> None:
        now = again = self._now
        family = max((family for family in self.families if family.closed_until <= now), key=Family.chance)
        tail, _ = family.tails[family.guessed]
        answer = await self.tries.answer(chat_id, by_agreement(family.number, family.name, tail), now)
        if isinstance(answer, WayClosed):
            self.refused += 1
            self._now = self._opens_again(now)
        elif isinstance(answer, Locked):
            self.refused += 1
            again = now + timedelta(seconds=answer.details["retry_after_seconds"])
        else:
            assert answer is None or isinstance(answer, NotMatched)
            self._learn(family, now, right=answer is None)
            self._wrong[chat_id].append(now)
            again = CHAT.locked_until(self._wrong[chat_id]) or now
        heapq.heappush(self._free, (again, chat_id))

    def _learn(self, family: Family, now: datetime, *, right: bool) -> None:
        self.compared += 1
        self.expected += family.tails[family.guessed][1]
        self.taken_over += right
        family.learn(now)
        self._guesses.append(now)

    def _opens_again(self, now: datetime) -> datetime:
        """When the deployment's windows have room again; nobody else guesses."""
        limits = (
            (self.settings.surge_wrong_per_hour, timedelta(hours=1)),
            (self.settings.surge_wrong_per_day, timedelta(days=1)),
        )
        ends = [self._guesses[-most] + within for most, within in limits if len(self._guesses) >= most]
        return max(now, *ends)


@dataclass
class CodeAttack:
    """The same chats guess at codes as well, which has limits of its own."""

    tries: Tries
    chats: int
    outstanding: int
    compared: int = 0
    taken_over: int = 0

    async def go_on_for(self, length: timedelta) -> None:
        dice = random.Random(11)
        free = [(START, (number + 1) << 20) for number in range(self.chats)]
        now = START
        while (now := max(now + PAUSE, free[0][0])) < START + length:
            _, chat_id = heapq.heappop(free)
            code = "".join(dice.choice(ALPHABET) for _ in range(CODE_LENGTH))
            answer = await self.tries.answer(chat_id, by_code(code), now)
            again = now
            if isinstance(answer, Locked):
                again += timedelta(seconds=answer.details["retry_after_seconds"])
            else:
                assert answer is None or isinstance(answer, NotMatched)
                self.compared += 1
                self.taken_over += answer is None
            heapq.heappush(free, (again, chat_id))

    @property
    def expected(self) -> float:
        return self.compared * self.outstanding / float(len(ALPHABET) ** CODE_LENGTH)
