"""The pool serves waiting requests in turn."""

import asyncio

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine

from .engines import open_reader


async def test_waiting_requests_get_a_connection_in_turn(engine: AsyncEngine) -> None:
    single = open_reader(engine.url)
    order: list[str] = []

    async def ask(name: str) -> None:
        for _ in range(3):
            async with single.connect():
                order.append(name)

    await asyncio.gather(ask("first"), ask("second"), ask("third"))
    await single.dispose()
    assert order == ["first", "second", "third"] * 3


async def test_abandoned_wait_keeps_no_connection(engine: AsyncEngine) -> None:
    single = open_reader(engine.url, pool_timeout=0.05)
    async with single.connect():
        with pytest.raises(PoolTimeoutError):
            await single.connect()
        waits = asyncio.create_task(asyncio.wait_for(single.connect().start(), 0.01))
        with pytest.raises(TimeoutError):
            await waits
    async with asyncio.timeout(1), single.connect():
        pass
    await single.dispose()
