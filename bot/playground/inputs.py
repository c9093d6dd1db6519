"""What the user side takes as JSON, and how it is checked."""

from typing import Annotated, Any, TypeVar

import pydantic
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request

from bot.playground.body import read_bytes
from bot.playground.errors import PlayError

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=32)]
Number = Annotated[int, Field(gt=-(2**52), lt=2**52)]
"""What a JSON writer can write again: no id of Telegram's is larger."""
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewPerson(_Input):
    first_name: Name
    last_name: Name | None = None
    username: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]\w{3,31}$")] | None = None
    phone: Phone | None = None
    language_code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] | None = None
    note: Annotated[str, StringConstraints(max_length=4000)] = ""
    id: Annotated[int, Field(gt=0, lt=2**52)] | None = None
    started: bool = False


class Text(_Input):
    text: Words
    reply_to: Number | None = None


class Edit(_Input):
    message_id: Number
    text: Words


class Contact(_Input):
    phone_number: Phone | None = None
    user_id: Number | None = None
    first_name: Name | None = None
    last_name: Name | None = None


class Location(_Input):
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]


class Press(_Input):
    message_id: Number
    data: Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class Sticker(_Input):
    emoji: Name = "👍"


class Voice(_Input):
    duration: Annotated[int, Field(gt=0, le=3600)] = 3


class NewUpdate(_Input):
    chat_id: Number
    kind: Name
    body: dict[str, Any]


class NewFault(_Input):
    method: Name
    status: Annotated[int, Field(ge=200, le=599)]
    retry_after: Annotated[int, Field(gt=0, lt=2**31)] | None = None
    count: Annotated[int, Field(gt=0, lt=2**31)] = 1
    description: str | None = None
    chat_id: Number | None = None
    executed: bool = False
    delay: Annotated[float, Field(ge=0, le=120)] = 0
    body: str | None = None


Input = TypeVar("Input", bound=BaseModel)


async def read_input(request: Request, model: type[Input]) -> Input:
    data = await read_bytes(request)
    try:
        return model.model_validate_json(data or b"{}")
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PlayError(422, f"{where}: {first['msg']}" if where else first["msg"]) from error
