"""What tests of the API may ask for besides ``tests.conftest``."""

import aiohttp
import pytest

from tests.api.desk import Desk
from tests.api.newsroom import Newsroom
from tests.factories import Factory


@pytest.fixture
async def desk(api: aiohttp.ClientSession, factory: Factory) -> Desk:
    """The complaint desk of an office, and a family."""
    return await Desk(api, factory).open()


@pytest.fixture
async def newsroom(api: aiohttp.ClientSession, factory: Factory) -> Newsroom:
    """An office that writes broadcasts."""
    return await Newsroom(api, factory).open()
