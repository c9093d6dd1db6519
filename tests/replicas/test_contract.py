"""A bot of the version before can talk to this API, as far as the OpenAPI documents tell; that it does is shown by
``test_roll_out.py``, with the bot itself."""

from dataclasses import replace

from api.app import create_app
from api.settings import Settings
from tests.replicas.contract import contract, kept


def test_what_the_version_before_asks_for_is_there(settings: Settings) -> None:
    now = contract(create_app(settings, "postgresql://nobody@127.0.0.1:1/none").openapi())
    assert kept().breaches(now) == []


def test_a_breach_is_found() -> None:
    before = kept()
    state = {**before.told["ChatState"]}
    del state["dialog"]
    now = replace(
        before,
        routes={route: needs for route, needs in before.routes.items() if route != "GET /v1/chats/{chat_id}"},
        sent=before.sent | {"ChatSave": {**before.sent["ChatSave"], "mood": True}},
        told=before.told | {"ChatState": state},
    )
    assert before.breaches(now) == [
        "ChatSave needs mood",
        "ChatState tells dialog no more",
        "GET /v1/chats/{chat_id} is gone",
    ]
