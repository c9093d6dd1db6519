"""The client of the API: what it asks, what it reads, and how failures look to a conversation."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from api.app import create_app
from api.broadcasts.schemas import (
    BroadcastAction,
    BroadcastChange,
    BroadcastNew,
    BroadcastState,
    BroadcastStep,
    FollowUp,
    Topic,
)
from api.cases.schemas import (
    MAX_ATTACHMENT_BYTES,
    AttachmentKind,
    CaseAction,
    CaseCategory,
    CaseIn,
    ClaimCase,
    FiguresBy,
    FiguresFormat,
    JoinIn,
    QueueView,
    Withdraw,
)
from api.chats.schemas import ChatSave, ChatWithHandover, ChatWithHomes, ChatWithPayments, Dialog, Facts
from api.identity.schemas import (
    AccessRequestIn,
    AccessRequestKind,
    CodeProof,
    ConsentKind,
    LinkMethod,
    LinkRole,
    LinkScope,
    PhoneProof,
    RelativeCodeIn,
)
from api.messages.schemas import Claim, Report
from api.staff.schemas import AccessGrantIn, StaffAccountChange, StaffAccountIn, StaffRole
from bot.backend import (
    Backend,
    BackendError,
    BackendUnavailable,
    InvalidInput,
    Locked,
    NotAllowed,
    NotFound,
    NotMatched,
    TooLarge,
    TooMany,
    UnsupportedType,
    VersionConflict,
)
from bot.backend import calls as backend_calls
from tests.bot.conftest import serving_aiohttp
from tests.conftest import SERVICE_TOKEN

EMPTY_CHAT = {"chat_id": 5, "locale": None, "linked": False, "dialog": None, "version": 0}


@dataclass
class Server:
    """Answers what a test lays ready; ``hang_up`` closes that many connections instead."""

    url: str = ""
    answer: tuple[int, Any] = (200, EMPTY_CHAT)
    answers: Callable[[], tuple[int, Any]] | None = None
    hang_up: int = 0
    hold: asyncio.Event | None = None
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    async def respond(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.path_qs, dict(request.headers), await request.read()))
        if self.hang_up:
            self.hang_up -= 1
            assert request.transport is not None
            request.transport.close()
        if self.hold is not None:
            await self.hold.wait()
        status, body = self.answers() if self.answers is not None else self.answer
        if isinstance(body, bytes):
            return web.Response(status=status, body=body)
        return web.json_response(body, status=status)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application(client_max_size=2 * MAX_ATTACHMENT_BYTES)
    app.router.add_route("*", "/{rest:.*}", server.respond)
    async with serving_aiohttp(app) as server.url:
        yield server


@pytest.fixture
async def backend(server: Server) -> AsyncIterator[Backend]:
    async with Backend(server.url, "the-token") as backend:
        yield backend


def error(code: str, **details: Any) -> dict[str, Any]:
    return {"code": code, "message": "…", "details": details}


async def test_every_route_of_the_contract_is_asked_as_the_api_serves_it(
    server: Server, backend: Backend, settings: Any
) -> None:
    """Each method's request is matched against the API's own routes."""
    case = CaseIn(category=CaseCategory.QUALITY, agreement_id=3, text="漏水")
    proof = CodeProof(method=LinkMethod.CODE, code=SecretStr("x"))
    request = AccessRequestIn(kind=AccessRequestKind.RESOLD, text="…")
    ids = {"chat": 5, "link": 2, "agreement": 3, "attachment": 4, "message": 9, "code": 6, "account": 7, "request": 8}
    ids |= {"collective": 11, "broadcast": 7}
    withdraw, claim = Withdraw(action=CaseAction.WITHDRAW), ClaimCase(action=CaseAction.CLAIM)
    for ask in (
        backend.chat(5),
        *(backend.chat(5, facts) for facts in Facts),
        backend.save_chat(5, ChatSave(version=0, locale="en", dialog=None)),
        backend.links(5),
        backend.prove(5, proof),
        backend.consents(5),
        backend.agree(5, ConsentKind.NOTICE),
        backend.withdraw_id_consent(5),
        backend.unlink(5, 2),
        backend.invite_relative(5, 3, RelativeCodeIn(scope=LinkScope.PROGRESS)),
        backend.relative_codes(5, 3),
        backend.cancel_code(5, 3, 6),
        backend.request_access(5, request, idempotency_key="dialog-id"),
        backend.access_requests(5),
        backend.my_data(5),
        backend.erasure(5),
        backend.forget(5),
        backend.mutes(5),
        backend.mute(5, [Topic.NEWS]),
        backend.homes(5),
        backend.payments(5),
        backend.ledger(5, 3, cursor="c", limit=9),
        backend.handovers(5),
        backend.watch_handover(5, 3, watching=True),
        backend.watch_handover(5, 3, watching=False),
        backend.attach(5, b"x", kind=AttachmentKind.PHOTO, filename="a.jpg", media_type="image/jpeg", upload_key="k"),
        backend.detach(5, 4),
        backend.file_case(5, case, idempotency_key="dialog-id"),
        backend.cases(5, cursor="c", idempotency_key="k"),
        backend.case(5, "2026-000123"),
        backend.link_staff(5, SecretStr("x")),
        backend.staff_me(5),
        backend.staff_accounts(5),
        backend.add_staff_account(5, StaffAccountIn(name="x", roles={StaffRole.CLERK})),
        backend.change_staff_account(5, 7, StaffAccountChange(disabled=True)),
        backend.issue_staff_code(5, 7),
        backend.access_queue(5, cursor="c", limit=9),
        backend.access_request(5, 8),
        backend.grant_access(5, 8, AccessGrantIn(agreement_id=3, role=LinkRole.HEIR)),
        backend.decline_access(5, 8, "…"),
        backend.find_agreements(5, "A-1"),
        backend.agreement_links(5, 3),
        backend.issue_link_code(5, 3, scope=LinkScope.PROGRESS),
        backend.revoke_link(5, 2),
        backend.claim_messages(Claim()),
        backend.report_messages(Report(results=[])),
        backend.broadcast_file(7),
        backend.act_on_own_case(5, "2026-000123", withdraw, idempotency_key="dialog-id"),
        backend.attachment(5, "2026-000123", 4),
        backend.file_link(5, "2026-000123", 4),
        backend.similar_cases(5, 3, CaseCategory.QUALITY),
        backend.join_collective(5, 11, JoinIn(agreement_id=3), idempotency_key="dialog-id"),
        backend.case_of_message(5, 9),
        backend.queue(5, view=QueueView.MINE, supervised=True, cursor="c"),
        backend.staff_case(5, "2026-000123"),
        backend.act_on_case(5, "2026-000123", claim, version=3, idempotency_key="dialog-id"),
        backend.case_route(5, "2026-000123"),
        backend.departments(5),
        backend.figures(5, first_day=date(2026, 11, 1), by=FiguresBy.DEPARTMENT),
        backend.export_figures(5, FiguresFormat.CSV, last_day=date(2026, 11, 26)),
        backend.staff_attach(
            5, b"x", kind=AttachmentKind.PHOTO, filename="a.jpg", media_type="image/jpeg", upload_key="k"
        ),
        backend.staff_attachment(5, "2026-000123", 4),
        backend.places(5),
        backend.read_numbers(5, b"A-1", filename="numbers.txt"),
        backend.count_audience(5, BroadcastNew()),
        backend.broadcasts(5, states=[BroadcastState.SENT], of_id=7, cursor="c", limit=9),
        backend.create_broadcast(5, BroadcastNew(), idempotency_key="dialog-id"),
        backend.broadcast(5, 7),
        backend.edit_broadcast(5, 7, BroadcastChange(version=1)),
        backend.step_broadcast(5, 7, BroadcastStep(action=BroadcastAction.SUBMIT, version=1)),
        backend.follow_up_broadcast(5, 7, FollowUp(), idempotency_key="dialog-id"),
        backend.broadcast_count(5, 7),
        backend.preview_broadcast(5, 7),
        backend.test_broadcast(5, 7, locale="en"),
        backend.broadcast_report(5, 7),
        backend.export_missing(5, 7),
        backend.export_unreached(5, 7),
    ):
        with _no_matter_what_comes_back():
            await ask
    served = {
        (method.upper(), path.format(number="2026-000123", **{f"{name}_id": id_ for name, id_ in ids.items()}))
        for path, methods in create_app(settings, "postgresql://nowhere/none").openapi()["paths"].items()
        for method in methods
        if path.startswith("/v1/")
    }
    asked = {(method, path.partition("?")[0]) for method, path, _, _ in server.asked}
    assert asked == served


class _no_matter_what_comes_back:  # noqa: N801 - used as a function
    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, BackendUnavailable)


async def test_a_proof_leaves_its_wrapper_only_in_the_request(server: Server, backend: Backend) -> None:
    server.answer = (201, {"links": []})
    proof = PhoneProof(method=LinkMethod.PHONE, phone=SecretStr("13900000000"), tail=SecretStr("123X"))
    assert (await backend.prove(5, proof)).links == []
    method, path, headers, body = server.asked[0]
    assert (method, path) == ("POST", "/v1/chats/5/links")
    assert headers["Authorization"] == "Bearer the-token"
    assert body == b'{"method":"phone","phone":"13900000000","tail":"123X"}'


async def test_a_file_goes_as_it_is_with_its_type_and_key(server: Server, backend: Backend) -> None:
    server.answer = (
        201,
        {"id": 1, "kind": "document", "filename": "合同.pdf", "media_type": "application/pdf", "size": 3},
    )
    attachment = await backend.attach(
        5,
        b"\x00\x01\x02",
        kind=AttachmentKind.DOCUMENT,
        filename="合同 1&2.pdf",
        media_type="application/pdf",
        upload_key="d:1",
    )
    assert attachment.id == 1
    _, path, headers, body = server.asked[0]
    assert headers["Content-Type"] == "application/pdf"
    assert body == b"\x00\x01\x02"
    assert "1%262.pdf" in path


async def test_the_largest_file_arrives_whole_also_when_sent_twice(server: Server, backend: Backend) -> None:
    photo = {"id": 1, "kind": "photo", "filename": "a.jpg", "media_type": "image/jpeg", "size": MAX_ATTACHMENT_BYTES}
    server.answer = (201, photo)
    server.hang_up = 1
    data = b"\xff\xd8" * (MAX_ATTACHMENT_BYTES // 2)
    await backend.attach(5, data, kind=AttachmentKind.PHOTO, filename="a.jpg", media_type="image/jpeg", upload_key="k")
    assert len(server.asked) == 2
    assert server.asked[1][3] == data
    assert server.asked[1][2]["Content-Length"] == str(MAX_ATTACHMENT_BYTES)


async def test_a_case_bears_its_idempotency_key(server: Server, backend: Backend) -> None:
    case = CaseIn(category=CaseCategory.OTHER, agreement_id=3, text="…")
    with pytest.raises(BackendUnavailable):
        await backend.file_case(5, case, idempotency_key="abcdefgh")
    assert server.asked[0][2]["Idempotency-Key"] == "abcdefgh"


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (404, "not_found", NotFound),
        (409, "version_conflict", VersionConflict),
        (403, "not_matched", NotMatched),
        (429, "locked", Locked),
        (422, "invalid_input", InvalidInput),
        (413, "too_large", TooLarge),
        (415, "unsupported_type", UnsupportedType),
        (409, "too_many", TooMany),
        (401, "unauthenticated", BackendError),
        (418, "something_new", BackendError),
    ],
)
async def test_refusals_are_types(
    server: Server, backend: Backend, status: int, code: str, kind: type[BackendError]
) -> None:
    server.answer = (status, error(code, retry_after_seconds=900))
    with pytest.raises(BackendError) as raised:
        await backend.links(5)
    assert type(raised.value) is kind
    assert (raised.value.error_code, raised.value.status) == (code, status)
    if isinstance(raised.value, Locked):
        assert raised.value.retry_after_seconds == 900


@pytest.mark.parametrize(
    "answer",
    [
        (500, error("internal_error")),
        (503, error("unavailable")),
        (502, b"<html>"),
        (404, b"<html>not the API</html>"),
        (404, ["a", "list"]),
        (200, b"not json"),
        (200, {"chat_id": "王小明", "version": "secret"}),
    ],
)
async def test_what_is_no_answer_of_the_api_counts_as_unavailable(
    server: Server, backend: Backend, answer: tuple[int, Any]
) -> None:
    server.answer = answer
    with pytest.raises(BackendUnavailable) as raised:
        await backend.chat(5)
    assert "王小明" not in str(raised.value)
    assert raised.value.__cause__ is None


async def test_a_look_up_is_asked_again_when_the_connection_breaks(server: Server, backend: Backend) -> None:
    server.answer = (200, {"links": []})
    server.hang_up = 1
    await backend.links(5)


async def test_what_may_have_been_done_is_not_done_again(server: Server, backend: Backend) -> None:
    server.hang_up = 9
    with pytest.raises(BackendUnavailable):
        await backend.prove(5, CodeProof(method=LinkMethod.CODE, code=SecretStr("x")))
    assert len(server.asked) == 1


async def test_an_api_that_starts_anew_costs_nobody_an_answer(server: Server, backend: Backend) -> None:
    answers = iter([(503, error("unavailable")), (502, b"<html>"), (200, {"links": []})])
    server.answers = lambda: next(answers)
    await backend.links(5)
    assert len(server.asked) == 3
    server.answers, server.answer = None, (503, error("unavailable"))
    with pytest.raises(BackendUnavailable):
        await backend.prove(5, CodeProof(method=LinkMethod.CODE, code=SecretStr("x")))
    assert len(server.asked) == 4, "perhaps it was done"
    with pytest.raises(BackendUnavailable):
        await backend.links(5)
    assert len(server.asked) == 7, "a person is waiting"


async def test_what_never_went_out_is_sent_again_whatever_it_is() -> None:
    server = Server(answer=(201, {"links": []}))
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", server.respond)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    async def start_listening() -> None:
        await asyncio.sleep(0.1)
        await web.TCPSite(runner, "127.0.0.1", port).start()

    starting = asyncio.create_task(start_listening())
    try:
        async with Backend(f"http://127.0.0.1:{port}", "the-token") as backend:
            await backend.prove(5, CodeProof(method=LinkMethod.CODE, code=SecretStr("x")))
        assert len(server.asked) == 1
    finally:
        await starting
        await runner.cleanup()


async def test_a_save_whose_answer_was_lost_is_no_conflict(server: Server, backend: Backend) -> None:
    """The second of two equal saves is refused by the API; the chat is as it was meant to be all the same."""
    answers = iter([(409, error("version_conflict")), (200, {**EMPTY_CHAT, "version": 8, "locale": "en"})])
    server.answers = lambda: next(answers)
    assert (await backend.save_chat(5, ChatSave(version=7, locale="en", dialog=None))).version == 8
    answers = iter([(409, error("version_conflict")), (200, {**EMPTY_CHAT, "version": 8, "locale": "zh_CN"})])
    with pytest.raises(VersionConflict):
        await backend.save_chat(5, ChatSave(version=7, locale="en", dialog=None))


async def test_nobody_there_is_unavailable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with Backend(f"http://127.0.0.1:{taken.getsockname()[1]}", "x") as backend:
            with pytest.raises(BackendUnavailable):
                await backend.chat(5)


async def test_a_silent_api_is_unavailable(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend_calls, "TOTAL_TIMEOUT", 0.05)
    server.hold = asyncio.Event()
    async with Backend(server.url, "x") as backend:
        with pytest.raises(BackendUnavailable):
            await backend.chat(5)
    server.hold.set()


@pytest.mark.parametrize("number", ["", "../5", "..", "1/2", "2026-000123?x", "字"])
async def test_a_case_number_that_is_none_is_asked_for_as_none(api_url: str, number: str) -> None:
    async with Backend(api_url, SERVICE_TOKEN) as backend:
        with pytest.raises(NotFound):
            await backend.case(5, number)
        with pytest.raises(NotAllowed):
            await backend.staff_case(5, number)


@pytest.mark.parametrize("number", [-1, 0, 2**63, 10**30])
async def test_a_row_that_is_none_is_asked_for_as_none(api_url: str, number: int) -> None:
    async with Backend(api_url, SERVICE_TOKEN) as backend:
        with pytest.raises(NotFound):
            await backend.cancel_code(5, number, 1)
        with pytest.raises(NotAllowed):
            await backend.access_request(5, number)


async def test_state_is_kept_by_the_real_api(api_url: str) -> None:
    async with Backend(api_url, SERVICE_TOKEN) as backend:
        fresh = await backend.chat(77)
        assert (fresh.version, fresh.locale, fresh.dialog) == (0, None, None)
        dialog = Dialog(id="abcdefghij", name="complaint.text", data={"text": "漏水", "files": [1, 2]})
        saved = await backend.save_chat(77, ChatSave(version=0, locale="zh_CN", dialog=dialog))
        assert saved.version > 0
        assert await backend.chat(77) == saved
        assert saved.dialog == dialog
        with pytest.raises(VersionConflict):
            await backend.save_chat(77, ChatSave(version=0, locale="en", dialog=None))
        assert await backend.homes(77) == []
        for facts, kind in (
            (Facts.HOMES, ChatWithHomes),
            (Facts.PAYMENTS, ChatWithPayments),
            (Facts.HANDOVER, ChatWithHandover),
        ):
            both = await backend.chat(77, facts)
            assert isinstance(both, kind)
            assert both.model_dump(exclude={facts.value}) == saved.model_dump()
