"""Is it alive, is it ready."""

from importlib.metadata import version

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy import text

from api import migrations
from api.errors import ErrorBody, Unavailable

router = APIRouter(tags=["health"])


class Health(BaseModel):
    status: str
    version: str = Field(version("shanglou"), description="Of the API.")


@router.get("/healthz", summary="The process is alive")
async def healthz() -> Health:
    return Health(status="alive")


@router.get(
    "/readyz",
    summary="The database is reachable and at least as new as this version",
    responses={503: {"model": ErrorBody}},
)
async def readyz(request: Request) -> Health:
    async with request.app.state.database.reading() as reader:
        known = (await reader.execute(text("SELECT to_regclass('alembic_version')"))).scalar()
        current = (await reader.execute(text("SELECT version_num FROM alembic_version"))).scalar() if known else None
    if not migrations.serves(current):
        raise Unavailable(migrations="not current")
    return Health(status="ready")
