"""Histories of cases, made by the desk itself with times of one's own choice."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from pydantic import TypeAdapter

from api.agreements.models import Agreement
from api.audit.service import OPERATOR, Actor
from api.cases.clocks import Policy
from api.cases.desk import BY_SYSTEM, By, perform
from api.cases.desk_pages import find_case_id
from api.cases.models import Case
from api.cases.schemas import AnyAction, CaseActor, CaseCategory, CaseIn
from api.cases.service import file_case
from api.cases.standing import running_clocks, standing_of, who_gave_what_is_reviewed
from api.cases.transitions import allowed
from api.db import Database
from api.privacy import Vault

_ACTION: TypeAdapter[Any] = TypeAdapter(AnyAction)
_OPINION = {"outcome": "explained", "text": "已说明。"}
_WHY = {"text": "请再看看。"}


def _fields(random: Random, action: str, department_ids: Sequence[int], held_by: int | None) -> dict[str, Any] | None:
    """What comes with an action; None: it is none of those that are taken here."""
    others = [id_ for id_ in department_ids if id_ != held_by]
    match action:
        case "answer" | "review_answer" | "second_review_answer":
            return _OPINION
        case "reopen" | "request_review" | "request_second_review" | "refuse" | "ask" | "object" | "reply" | "add":
            return _WHY
        case "divert":
            return {"procedure": "litigation", "text": "请到区法院。"}
        case "assign" | "transfer":
            return {"department_id": random.choice(others)}
        case "extend":
            return {"days": random.randint(1, 30), "text": "要做检测。", "approved_by": "编造局长"}
        case "rate":
            return {"rating": random.randint(1, 5), "solved": random.choice((True, False, None))}
        case "register" | "accept" | "start" | "claim" | "close" | "withdraw" | "supervise":
            return {}
    return None


_ABOVE = By(OPERATOR, CaseActor.SUPERVISOR)
"""Whoever gave an answer does not review it."""
_ONLY = {BY_SYSTEM: {"close"}, _ABOVE: {"review_answer", "second_review_answer"}}
_ENDS = {"withdraw", "refuse", "divert"}
_OFTEN = {"register", "accept", "answer", "close", "rate", "reopen", "review_answer", "second_review_answer"}


def _weight(action: str) -> int:
    return 1 if action in _ENDS else 24 if action in _OFTEN else 3


class Histories:
    """Files cases and takes steps with them, whatever the table allows, at times that often lie beside midnight."""

    def __init__(
        self, database: Database, vault: Vault, policy: Policy, random: Random, department_ids: Sequence[int], by: By
    ) -> None:
        """
        Args:
            by: a supervisor, who may do all that the office may.
        """
        self.database, self.vault, self.policy, self.random = database, vault, policy, random
        self.department_ids, self.supervisor = department_ids, by

    def _later(self, moment: datetime) -> datetime:
        moment += timedelta(
            days=self.random.choice((0, 0, 0, 1, 2, 5, 9, 24, 75)), minutes=self.random.randrange(1, 300)
        )
        if self.random.random() < 0.5:
            midnight = moment.astimezone(self.policy.zone).replace(hour=0, minute=0, second=0, microsecond=0)
            moment = max(moment, midnight + timedelta(days=1) - timedelta(microseconds=self.random.choice((0, 0, 1))))
        return moment

    async def make(self, chat_id: int, agreement: Agreement, filed_at: datetime, key: str, steps: int) -> None:
        case = CaseIn(category=self.random.choice([*CaseCategory][:4]), agreement_id=agreement.id, text="漏水")
        now = filed_at
        async with self.database.transaction() as session:
            filed, _ = await file_case(session, self.vault, chat_id, case, key, now, self.policy.zone)
        for _ in range(steps):
            now = self._later(now)
            if not await self._step(filed["number"], chat_id, now):
                return

    async def _step(self, number: str, chat_id: int, now: datetime) -> bool:
        async with self.database.transaction() as session:
            case_id = await find_case_id(session, number)
            case = await session.get_one(Case, case_id)
            gave = self.supervisor.actor.id in await who_gave_what_is_reviewed(session, case)
            clocks, possible = await running_clocks(session, case_id), []
            for by in (By.resident(chat_id), self.supervisor, _ABOVE, BY_SYSTEM):
                standing = standing_of(case, clocks, self.policy, now, gave=gave and by is self.supervisor)
                for action in allowed(standing, by.acts_as):
                    fields = _fields(self.random, action, self.department_ids, case.department_id)
                    if fields is not None and action in _ONLY.get(by, {action}):
                        possible.append((by, {"action": action} | fields))
            if not possible:
                return False
            weights = [_weight(given["action"]) for _, given in possible]
            ((by, given),) = self.random.choices(possible, weights)
            step = _ACTION.validate_python(given)
            await perform(session, self.vault, self.policy, by, case_id, step, now)
        return True


def supervisor(staff_id: int) -> By:
    return By(Actor.staff(staff_id), CaseActor.SUPERVISOR)
