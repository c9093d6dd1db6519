"""The API, as the bot sees it."""

from importlib.metadata import version

import aiohttp

from bot.cli.doctor.findings import Finding, failed, ok


async def look_at_api(url: str, token: str) -> list[Finding]:
    """
    Args:
        url: without ``/v1``.
        token: the service token that the bot bears.
    """
    start = "请启动 shanglou api（或 up），并核对 SHANGLOU_API_URL。"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=8), trust_env=False) as session:

        async def ask(path: str) -> tuple[int, object]:
            headers = {"Authorization": f"Bearer {token}"}
            async with session.get(url + path, headers=headers, allow_redirects=False) as response:
                return response.status, await response.json(content_type=None)

        try:
            alive, told = await ask("/healthz")
            if alive != 200 or not isinstance(told, dict) or told.get("status") != "alive":
                return [failed("api", f"SHANGLOU_API_URL 那里应答的不是我们的 API（{alive}）。", start)]
            ready, _ = await ask("/readyz")
            # There is no such page: whose token is not in force is not told even that.
            entrance, _ = await ask("/v1/nothing")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return [failed("api", f"API 没有应答（{type(error).__name__}）。", start)]
    theirs, ours = told.get("version", "更早的版本"), version("shanglou")
    found = []
    if theirs != ours:
        found.append(
            failed(
                "api", f"API 的版本是 {theirs}，这里是 {ours}。", "请把两边升级到同一版本：先迁移，再 API，再机器人。"
            )
        )
    if entrance == 401:
        found.append(
            failed("api", "API 不认这里的服务令牌。", "请让两边的 SHANGLOU_SERVICE_TOKEN 一致，然后重启机器人。")
        )
    if ready != 200:
        found.append(
            failed(
                "api",
                "API 在运行，但还不能用（数据库连不上，或结构不是最新）。",
                "请看下面数据库那几行，或 API 的日志。",
            )
        )
    return found or [ok("api", f"API 有应答，版本 {theirs}，认服务令牌。")]
