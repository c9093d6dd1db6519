"""Builds the API. Everything a process needs is made here and handed on through ``app.state``."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from starlette.exceptions import HTTPException
from structlog.contextvars import get_contextvars

from api import health, metrics
from api.agreements import routes as agreements
from api.audit.chain import chain_key
from api.audit.sealer import keep_sealing
from api.auth import ServiceToken, document
from api.broadcasts import mute_routes as mutes
from api.broadcasts import routes as broadcasts
from api.cases import figures_routes as figures
from api.cases import open311_routes as open311
from api.cases import routes as cases
from api.cases import staff_routes as desk
from api.cases.store import AttachmentStore
from api.chats import routes as chats
from api.db import DEADLOCK, LOCK_SECONDS, LOCK_TIMED_OUT, STATEMENT_SECONDS, Database, sql_state
from api.errors import ApiError, ErrorBody, InvalidInput, NotFound, Unavailable, answer, respond
from api.identity import family_routes as family
from api.identity import routes as identity
from api.identity.surge import Surge
from api.lookups import Reading
from api.messages import routes as messages
from api.messages.bell import Bell
from api.metrics import Metrics
from api.money import routes as money
from api.requests import HEADER, Requests
from api.rights import routes as rights
from api.settings import Settings
from api.staff import family_routes as staff_families
from api.staff import routes as staff

log = structlog.get_logger()


async def _expected(_: Request, error: ApiError) -> JSONResponse:
    return answer(error)


async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
    # Only where and what was expected: the input itself may be personal data.
    return answer(InvalidInput(fields=[{"at": list(e["loc"]), "expected": _expectation(e)} for e in error.errors()]))


def _expectation(error: dict[str, Any]) -> str:
    # The only message of Pydantic's that quotes what was given.
    if error["type"] == "union_tag_invalid":
        return f"One of {error['ctx']['expected_tags']}"
    return str(error["msg"])


async def _http(_: Request, error: HTTPException) -> JSONResponse:
    if error.status_code == 404:
        return answer(NotFound())
    if error.status_code == 400:
        # FastAPI's answer to bytes that are not UTF-8, numbers without end, and what is nested too deep.
        return answer(InvalidInput(fields=[{"at": ["body"], "expected": "JSON in UTF-8"}]))
    return respond(error.status_code, ErrorBody(code="http_error", message=str(error.detail)), error.headers)


async def _database_down(_: Request, error: Exception) -> JSONResponse:
    log.error("database_failed", error=type(error).__name__)
    return answer(Unavailable())


async def _database_failed(request: Request, error: Exception) -> JSONResponse:
    # Who waited too long, or in a circle, may try again.
    if sql_state(error) in (LOCK_TIMED_OUT, DEADLOCK):
        return await _database_down(request, error)
    return await _unexpected(request, error)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    # The message of an unknown error may quote data; its type and place are enough to find it.
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    at = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else "?"
    route = getattr(request.scope.get("route"), "path", None)
    log.error("request_failed", error=type(error).__name__, at=at, route=route)
    failed = respond(500, ErrorBody(code="internal_error", message="Something failed here."))
    # Answered outside of all middleware.
    failed.headers[HEADER.decode()] = get_contextvars().get("request_id", "")
    return failed


def create_app(settings: Settings, database_url: str, *, traced: bool = False) -> FastAPI:
    """
    Args:
        settings: see ``api.settings``.
        database_url: where PostgreSQL is (the embedded server's, where settings name none).
        traced: tell OpenTelemetry of each request.
    """
    database = Database(
        database_url,
        pool_size=settings.database_pool_size,
        lock_seconds=LOCK_SECONDS,
        statement_seconds=STATEMENT_SECONDS,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        sealing = asyncio.create_task(keep_sealing(database.connect, chain_key(settings.index_key.get_secret_value())))
        # Called by bot.serving, before it waits for the requests that are under way.
        yield {"before_end": app.state.bell.end}
        sealing.cancel()
        await asyncio.wait([sealing])
        await app.state.bell.close()
        await database.close()

    app = FastAPI(
        title="shanglou",
        version="1",
        summary="Homes, payments, handover and complaints of a housing redevelopment.",
        lifespan=lifespan,
        docs_url="/docs",
        redoc_url=None,
        # FastAPI would look for an OpenTelemetry provider with every request.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.settings = settings
    app.state.database = database
    app.state.vault = settings.vault()
    app.state.metrics = Metrics()
    app.state.surge = Surge(settings, app.state.metrics)
    app.state.reading = Reading(database.pool, app.state.vault, settings.timezone, database.sightings)
    app.state.bell = Bell(database_url)
    app.state.attachments = AttachmentStore(settings.attachments_url, settings.data_dir)
    if traced:
        from api.tracing import Tracing

        app.add_middleware(Tracing)
    tokens = settings.service_token.get_secret_value().split(",")
    app.add_middleware(ServiceToken, tokens=[token.strip().encode() for token in tokens])
    # The last one added is the outermost.
    app.add_middleware(Requests, metrics=app.state.metrics)
    handlers: dict[Any, Any] = {
        ApiError: _expected,
        RequestValidationError: _invalid,
        HTTPException: _http,
        OperationalError: _database_down,
        InterfaceError: _database_down,
        asyncpg.InterfaceError: _database_down,
        asyncpg.PostgresConnectionError: _database_down,
        asyncpg.OperatorInterventionError: _database_down,
        asyncpg.InsufficientResourcesError: _database_down,
        NoConnectionFree: _database_down,
        OSError: _database_down,
        TimeoutError: _database_down,
        asyncpg.LockNotAvailableError: _database_down,
        asyncpg.DeadlockDetectedError: _database_down,
        DBAPIError: _database_failed,
        Exception: _unexpected,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
    # In this order they are tried: what every turn of a conversation asks for comes first.
    for router in (
        chats.router,
        agreements.router,
        money.router,
        cases.router,
        identity.router,
        family.router,
        rights.router,
        mutes.router,
        staff.router,
        cases.public_router,
        staff_families.router,
        desk.router,
        figures.router,
        broadcasts.router,
        messages.router,
        health.router,
        metrics.router,
    ):
        app.router.routes.extend(router.routes)
    if settings.open311:
        app.router.routes.extend(open311.router.routes)
    _complete_document(app)
    return app


def _complete_document(app: FastAPI) -> None:
    make = app.openapi

    def complete() -> dict[str, Any]:
        schema = make()
        document(schema)
        return schema

    app.openapi = complete  # type: ignore[method-assign]
