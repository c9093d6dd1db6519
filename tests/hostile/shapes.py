"""Updates as the Bot API documents them, and beside that: strategies of hypothesis for what Telegram, or whoever has
stolen the webhook's secret, may post.

A shape is plain data. ``collect`` draws a number of them, always the same ones.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.callbacks import Callback, TooLong, known_callbacks
from handlers.registry import HANDLERS

Shape = dict[str, Any]
T = TypeVar("T")

COMMANDS = ("start", "handover", "home", "payments", "complain", "cases", "settings", "language", "help", "cancel")

NASTY_TEXTS = (
    "",
    " \t\n ",
    "\0",
    "漏\0水",
    "<b>粗</b><script>alert(1)</script>&amp;</blockquote>",
    "<a href='tg://user?id=1'>点这里</a>",
    "&#0;&#xd800;&lt;",
    "\u202e反过来的字\u202c",
    "مرحبا\u200f שלום",
    "\u200b\u200c\u200d\ufeff",
    "👨‍👩‍👧‍👦🏳️‍🌈🇨🇳" * 20,
    "Z̸̡̢͎̗͔͈̑̈́a̵͓͇͛̕l̷̨̛͔̈́g̶̗̈́o̴̢͝" * 20,
    "\ud800",
    "半\udfff个",
    "\U0010ffff\ufffe",
    "%s%n{0}{self.__class__}${jndi:ldap://x}",
    "'; DROP TABLE chats; --",
    "../../../etc/passwd",
    "999900194801010015",
    "９９９９００１９４８０１０１００１５",
    "ABCDE23456",
    "A" + " " * 200 + "BCDE-23456",
    "安字2021-0034号",
    "长" * 4096,
    "&" * 4096,
    "/",
    "//",
    "/start@",
    "/START@another_bot x",
    "/complain\0",
    "/start " + "x" * 4000,
    "/cancel\n/cancel",
)
NASTY_LANGUAGES = (
    "",
    "zh",
    "zh-hans",
    "zh-hant-TW",
    "en",
    "EN-us",
    "xx",
    "../..",
    "zh_CN",
    "\0",
    "а",
    "z" * 300,
    "-",
    "i-klingon",
)
NASTY_NUMBERS = (0, -1, 1, 2**31, 2**52 - 1, 2**52, 2**53, 2**63 - 1, 2**63, 2**64, 10**30, -(2**63), 0.5, 1e308)

nasty_values: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(NASTY_NUMBERS),
    st.sampled_from(NASTY_TEXTS),
    st.sampled_from([[], {}, [[]], [None], [{}], {"": ""}, {"id": {}}, "null", "true", "0"]),
)
"""What stands where something else is expected."""

texts = st.one_of(
    st.sampled_from(NASTY_TEXTS),
    st.text(max_size=30),
    st.builds("/{} {}".format, st.sampled_from(COMMANDS), st.text(max_size=12)),
    st.sampled_from(COMMANDS).map("/{}".format),
)


def button_kinds() -> list[type[Callback]]:
    """Every kind of button that a resident or a member of staff may see."""
    assert HANDLERS, "the conversations are not there, nor are their buttons"
    return [kind for kind in known_callbacks() if kind.__module__.startswith(("bot.", "handlers."))]


def callback_data() -> st.SearchStrategy[str]:
    """What a button of any kind could carry, and what no button ever carried."""
    kinds = button_kinds()

    def encoded(callback: Callback) -> str:
        try:
            return callback.encode()
        except TooLong:
            return f"{callback.prefix}:too:long"

    made_up = st.sampled_from(kinds).flatmap(st.builds).map(encoded)
    prefixes = [str(kind.prefix) for kind in kinds]
    return st.one_of(
        made_up,
        made_up,
        st.builds(lambda data, end: (data + end)[-64:], made_up, st.sampled_from([":", "%", ":0", "\0", ":" * 30])),
        st.builds("{}:{}".format, st.sampled_from(prefixes), st.text(":%-0z9", max_size=50)),
        st.sampled_from([*prefixes, *NASTY_TEXTS]),
        st.text(max_size=64),
    )


def updates(people: Sequence[int], files: Sequence[Shape] = ()) -> st.SearchStrategy[Shape]:
    """
    Args:
        people: ids of people who are there; most of what is drawn comes from one of them.
        files: photos and documents that can be fetched, as a message shows them.
    """
    one_of_them = st.sampled_from(list(people))
    ids = st.one_of(*[one_of_them] * 9, st.sampled_from(NASTY_NUMBERS[:10]))
    names = st.one_of(st.just("王"), st.sampled_from(NASTY_TEXTS), st.text(max_size=8))
    numbers = st.one_of(*[st.integers(1, 10**6)] * 6, st.sampled_from(NASTY_NUMBERS[:10]))
    dates = st.one_of(*[st.integers(1_700_000_000, 1_800_000_000)] * 6, st.sampled_from(NASTY_NUMBERS[:4]))
    file_ids = st.text("ABCxyz019_-", min_size=1, max_size=40)
    sizes = st.one_of(*[st.integers(0, 30 * 2**20)] * 4, st.sampled_from(NASTY_NUMBERS[:9]))
    coordinates = st.one_of(*[st.floats(-90, 90)] * 4, st.sampled_from([0, 91, -181, 1e308]))
    entity = st.fixed_dictionaries(
        {
            "type": st.sampled_from(["bot_command", "bold", "url", "text_link", "mention", "custom_emoji", "", "new"]),
            "offset": st.integers(-3, 5000),
            "length": st.integers(-3, 5000),
        },
        optional={"url": names, "language": names},
    )
    photo_size = st.fixed_dictionaries(
        {"file_id": file_ids, "file_unique_id": file_ids, "width": numbers, "height": numbers},
        optional={"file_size": sizes},
    )
    there = [file for file in files if "width" not in file]
    pictures = [file for file in files if "width" in file]
    documents = st.fixed_dictionaries(
        {"file_id": file_ids, "file_unique_id": file_ids},
        optional={"file_name": texts, "mime_type": st.one_of(texts, st.just("image/png")), "file_size": sizes},
    )
    if there:
        documents |= st.builds(
            lambda file, name, kind: {**file, "file_name": name, "mime_type": kind},
            st.sampled_from(there),
            texts,
            st.one_of(st.sampled_from(["a/b\r\nX-Evil: 1", "文本/平", "text/plain; x=\0"]), texts),
        )
    photos = st.lists(photo_size, min_size=1, max_size=3)
    if pictures:
        photos |= st.lists(st.sampled_from(pictures), min_size=1, max_size=1)
    content = st.one_of(
        *(
            st.fixed_dictionaries({"text": texts}, optional={"entities": st.lists(entity, max_size=3)})
            for _ in range(5)
        ),
        *(
            st.fixed_dictionaries(
                {kind: what},
                optional={
                    "caption": texts,
                    "caption_entities": st.lists(entity, max_size=2),
                    "media_group_id": st.sampled_from(["1", "2", ""]),
                },
            )
            for kind, what in (("photo", photos), ("document", documents))
            for _ in range(2)
        ),
        st.fixed_dictionaries(
            {
                "contact": st.fixed_dictionaries(
                    {"phone_number": texts, "first_name": names},
                    optional={"last_name": names, "user_id": ids, "vcard": texts},
                )
            }
        ),
        st.fixed_dictionaries({"location": st.fixed_dictionaries({"latitude": coordinates, "longitude": coordinates})}),
        st.fixed_dictionaries(
            {"voice": st.fixed_dictionaries({"file_id": file_ids, "file_unique_id": file_ids, "duration": numbers})}
        ),
        st.fixed_dictionaries({"dice": st.fixed_dictionaries({"emoji": names, "value": numbers})}),
        st.fixed_dictionaries({"new_chat_title": texts}),
        st.fixed_dictionaries({"migrate_to_chat_id": numbers}),
        st.fixed_dictionaries({"something_of_next_year": nasty_values}),
        st.just({}),
    )

    @st.composite
    def message(
        draw: st.DrawFn, kinds: Sequence[str] = ("private",) * 8 + ("group", "supergroup", "channel", "")
    ) -> Shape:
        kind = draw(st.sampled_from(list(kinds)))
        number = draw(ids)
        user = {"id": number, "is_bot": False, "first_name": draw(names)}
        language = draw(st.sampled_from([None, *NASTY_LANGUAGES]))
        if language is not None:
            user["language_code"] = language
        chat_id = number if kind == "private" else draw(st.sampled_from([-1001234567890, -5, 7]))
        found: Shape = {
            "message_id": draw(numbers),
            "date": draw(dates),
            "chat": {
                "id": chat_id,
                "type": kind,
                **({"first_name": user["first_name"]} if kind == "private" else {"title": draw(names)}),
            },
            **draw(content),
        }
        if kind != "channel":
            found["from"] = user
        if draw(st.integers(0, 9)) == 0:
            found["reply_to_message"] = {key: value for key, value in found.items() if key != "reply_to_message"}
        return found

    @st.composite
    def tap(draw: st.DrawFn) -> Shape:
        shown = draw(message(("private",) * 9 + ("group",)))
        inaccessible = draw(st.integers(0, 4)) == 0
        if inaccessible:
            shown = {"chat": shown["chat"], "message_id": shown["message_id"], "date": 0}
        query: Shape = {
            "id": str(draw(st.integers(0, 2**63))),
            "from": {"id": shown["chat"]["id"], "is_bot": False, "first_name": draw(names), "language_code": "zh-hans"},
            "chat_instance": "1",
            "data": draw(data),
        }
        if draw(st.integers(0, 19)):
            query["message"] = shown
        else:
            query["inline_message_id"] = "x"
        return query

    data = callback_data()
    member = st.fixed_dictionaries(
        {
            "user": st.fixed_dictionaries({"id": ids, "is_bot": st.booleans(), "first_name": names}),
            "status": st.sampled_from(["member", "kicked", "left", "new"]),
        }
    )
    return st.one_of(
        *(st.fixed_dictionaries({"message": message()}) for _ in range(6)),
        *(st.fixed_dictionaries({"callback_query": tap()}) for _ in range(4)),
        st.fixed_dictionaries({"edited_message": message()}),
        st.fixed_dictionaries({"channel_post": message(("channel",))}),
        st.fixed_dictionaries({"edited_channel_post": message(("channel",))}),
        st.builds(
            lambda said, old, new: {
                "my_chat_member": {
                    "chat": said["chat"],
                    "from": said.get("from", {"id": 1, "is_bot": False, "first_name": "x"}),
                    "date": said["date"],
                    "old_chat_member": old,
                    "new_chat_member": new,
                }
            },
            message(),
            member,
            member,
        ),
        st.builds(
            lambda said, text: {"inline_query": {"id": "1", "from": said.get("from"), "query": text, "offset": ""}},
            message(),
            texts,
        ),
        st.builds(
            lambda name, value: {name: value},
            st.sampled_from(["some_future_kind", "message", "poll", "shipping_query", "purchased_paid_media"]),
            nasty_values,
        ),
        st.builds(lambda one, other: {"message": one, "callback_query": other}, message(), tap()),
    )


def collect(strategy: st.SearchStrategy[T], number: int) -> list[T]:
    """So many of what the strategy draws: the same ones each time."""
    found: list[T] = []

    @settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def keep(value: T) -> None:
        found.append(value)

    keep()
    return found
