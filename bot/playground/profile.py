"""What a bot tells about itself: its commands by scope and language, its name and descriptions, its menu button."""

import re
from typing import Any

from bot.playground.errors import bad_request

Commands = list[dict[str, str]]
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_SCOPES = (
    "default",
    "all_private_chats",
    "all_group_chats",
    "all_chat_administrators",
    "chat",
    "chat_administrators",
    "chat_member",
)
_LIMITS = {"name": 64, "short_description": 120, "description": 512}


class Profile:
    def __init__(self, name: str) -> None:
        self._commands: dict[tuple[str, str], Commands] = {}
        self._texts: dict[tuple[str, str], str] = {("name", ""): name}
        self._buttons: dict[int | None, dict[str, Any]] = {}

    def set_commands(self, commands: Any, scope: Any, language: str) -> None:
        if not isinstance(commands, list):
            raise bad_request("expected an Array of BotCommand")
        if len(commands) > 100:
            raise bad_request("BOT_COMMANDS_TOO_MUCH")
        made: Commands = []
        for command in commands:
            if not isinstance(command, dict):
                raise bad_request("expected an Object of BotCommand")
            name = str(command.get("command") or "").removeprefix("/").lower()
            description = str(command.get("description") or "").strip()
            if not _COMMAND.fullmatch(name):
                raise bad_request("BOT_COMMAND_INVALID")
            if not 1 <= len(description) <= 256:
                raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
            made.append({"command": name, "description": description})
        key = _scope_key(scope), _language(language)
        if made:
            self._commands[key] = made
        else:
            self._commands.pop(key, None)

    def commands(self, scope: Any, language: str) -> Commands:
        """Exactly the list that was set for this scope and language, as getMyCommands answers."""
        return self._commands.get((_scope_key(scope), _language(language)), [])

    def delete_commands(self, scope: Any, language: str) -> None:
        self._commands.pop((_scope_key(scope), _language(language)), None)

    def commands_for(self, chat_id: int, language: str) -> Commands:
        """The list that one person's app shows: narrower scopes first, each first in their language."""
        language = language.lower().partition("-")[0]
        for scope in (f"chat:{chat_id}", "all_private_chats", "default"):
            for spoken in (language, ""):
                commands = self._commands.get((scope, spoken))
                if commands:
                    return commands
        return []

    def set_text(self, kind: str, text: str, language: str) -> None:
        if len(text) > _LIMITS[kind]:
            raise bad_request(f"BOT_{'TITLE' if kind == 'name' else 'DESCRIPTION'}_INVALID")
        key = kind, _language(language)
        if text:
            self._texts[key] = text
        elif key != ("name", ""):
            self._texts.pop(key, None)

    def text(self, kind: str, language: str) -> str:
        """Falls back to the text for everybody."""
        language = language.lower().partition("-")[0]
        return self._texts.get((kind, language)) or self._texts.get((kind, ""), "")

    def set_button(self, chat_id: int | None, button: Any) -> None:
        if not button:
            button = {"type": "default"}
        if not isinstance(button, dict) or button.get("type") not in ("default", "commands", "web_app"):
            raise bad_request("can't parse menu button: unsupported menu button type")
        self._buttons[chat_id] = button

    def button(self, chat_id: int | None) -> dict[str, Any]:
        for key in (chat_id, None):
            button = self._buttons.get(key)
            if button is not None and button["type"] != "default":
                return button
        return {"type": "commands"}


def _scope_key(scope: Any) -> str:
    if not scope:
        return "default"
    kind = scope.get("type") if isinstance(scope, dict) else None
    if kind not in _SCOPES:
        raise bad_request("can't parse BotCommandScope: unsupported type specified")
    if not kind.startswith("chat"):
        return str(kind)
    if not scope.get("chat_id"):
        raise bad_request("can't parse BotCommandScope: chat_id is empty")
    return f"{kind}:{scope['chat_id']}" + (f":{scope['user_id']}" if "user_id" in scope else "")


def _language(code: str) -> str:
    if code and not re.fullmatch(r"[a-z]{2}", code):
        raise bad_request("invalid language code specified")
    return code
