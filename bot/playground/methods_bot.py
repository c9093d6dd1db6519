"""Bot API methods about the bot itself: identity, updates, webhook, commands, descriptions."""

import ipaddress
import re
import urllib.parse

from bot.playground.errors import ApiError, bad_request
from bot.playground.params import Call
from bot.playground.people import Wire
from bot.playground.profile import Commands
from bot.playground.webhook import Webhook


async def get_me(call: Call) -> Wire:
    return {
        **call.playground.bot,
        "can_join_groups": False,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


async def get_updates(call: Call) -> list[Wire]:
    if call.delivery.webhook is not None:
        raise ApiError(
            409,
            "Conflict: can't use getUpdates method while webhook is active;"
            " use deleteWebhook to delete the webhook first",
        )
    updates = call.playground.updates
    updates.allow(call.strings("allowed_updates"))
    limit = call.integer("limit", 100)
    seconds = 0 if call.playground.closing else min(max(call.integer("timeout"), 0), 50)
    return await updates.poll(call.integer("offset"), limit if 1 <= limit <= 100 else 100, seconds)


async def set_webhook(call: Call) -> bool:
    url, secret = call.text("url"), call.text("secret_token")
    if not url:
        return await delete_webhook(call)
    _check_url(url)
    if len(secret) > 256:
        raise bad_request("secret token is too long")
    if not re.fullmatch(r"[A-Za-z0-9_-]*", secret):
        raise bad_request("secret token contains unallowed characters")
    if call.flag("drop_pending_updates"):
        call.playground.updates.drop()
    call.playground.updates.allow(call.strings("allowed_updates"))
    call.playground.updates.interrupt("setWebhook request")
    connections = min(max(call.integer("max_connections", 40), 1), 100)
    await call.delivery.start(Webhook(url, secret, connections))
    return True


async def delete_webhook(call: Call) -> bool:
    if call.flag("drop_pending_updates"):
        call.playground.updates.drop()
    await call.delivery.stop()
    return True


async def get_webhook_info(call: Call) -> Wire:
    webhook = call.delivery.webhook
    info: Wire = {
        "url": webhook.url if webhook is not None else "",
        "has_custom_certificate": False,
        "pending_update_count": len(call.playground.updates),
    }
    if webhook is not None:
        info["max_connections"] = webhook.max_connections
        info["ip_address"] = "127.0.0.1"
        if webhook.last_error_date:
            info["last_error_date"] = webhook.last_error_date
            info["last_error_message"] = webhook.last_error_message
    if call.playground.updates.allowed:
        info["allowed_updates"] = call.playground.updates.allowed
    return info


async def get_chat(call: Call) -> Wire:
    return {
        **call.chat().chat,
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": {
            "unlimited_gifts": False,
            "limited_gifts": False,
            "unique_gifts": False,
            "premium_subscription": False,
            "gifts_from_channels": False,
        },
    }


async def set_my_commands(call: Call) -> bool:
    commands = call.json("commands", "commands")
    call.playground.profile.set_commands(commands, _scope(call), call.text("language_code"))
    return True


async def get_my_commands(call: Call) -> Commands:
    return call.playground.profile.commands(_scope(call), call.text("language_code"))


async def delete_my_commands(call: Call) -> bool:
    call.playground.profile.delete_commands(_scope(call), call.text("language_code"))
    return True


async def set_my_name(call: Call) -> bool:
    call.playground.profile.set_text("name", call.text("name"), call.text("language_code"))
    call.playground.bot["first_name"] = call.playground.profile.text("name", "")
    return True


async def set_my_description(call: Call) -> bool:
    call.playground.profile.set_text("description", call.text("description"), call.text("language_code"))
    return True


async def set_my_short_description(call: Call) -> bool:
    text = call.text("short_description")
    call.playground.profile.set_text("short_description", text, call.text("language_code"))
    return True


async def get_my_name(call: Call) -> Wire:
    return {"name": call.playground.profile.text("name", call.text("language_code"))}


async def get_my_description(call: Call) -> Wire:
    return {"description": call.playground.profile.text("description", call.text("language_code"))}


async def get_my_short_description(call: Call) -> Wire:
    return {"short_description": call.playground.profile.text("short_description", call.text("language_code"))}


async def set_chat_menu_button(call: Call) -> bool:
    call.playground.profile.set_button(_menu_chat(call), call.json("menu_button", "menu button"))
    return True


async def get_chat_menu_button(call: Call) -> Wire:
    return call.playground.profile.button(_menu_chat(call))


async def log_out(call: Call) -> bool:
    """Nothing to move away from here; both log_out and close only have to be accepted."""
    return True


def _scope(call: Call) -> Wire | None:
    scope = call.json("scope", "BotCommandScope")
    if scope is not None and not isinstance(scope, dict):
        raise bad_request("can't parse BotCommandScope: expected an Object")
    return scope


def _menu_chat(call: Call) -> int | None:
    return call.chat().id if call.text("chat_id") else None


def _check_url(url: str) -> None:
    try:
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname or ""
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    # Real Telegram demands https and refuses loopback; here it is the other way round, on purpose:
    # invented people's messages are sent nowhere else.
    if not local or parts.scheme not in ("http", "https"):
        raise bad_request("bad webhook: the playground delivers to this machine only")


METHODS = {
    "getMe": get_me,
    "getUpdates": get_updates,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "getChat": get_chat,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setMyName": set_my_name,
    "getMyName": get_my_name,
    "setMyDescription": set_my_description,
    "getMyDescription": get_my_description,
    "setMyShortDescription": set_my_short_description,
    "getMyShortDescription": get_my_short_description,
    "setChatMenuButton": set_chat_menu_button,
    "getChatMenuButton": get_chat_menu_button,
    "logOut": log_out,
    "close": log_out,
}
