"""Routes that fail, each at a point of its own."""

import asyncio

from fastapi import HTTPException
from probed.api.dependencies import WriteDB
from probed.core.database import transaction
from probed.main import app
from probed.models.post import Post
from probed.schemas.post import PostCreate
from probed.services.post_service import PostService
from pydantic import BaseModel
from slow import SLEEP
from sqlalchemy import text

# Breaks a foreign key that is checked by COMMIT, and not before.
ORPHAN = text("INSERT INTO orphans (parent_id) VALUES (-1)")


class Pair(BaseModel):
    """Two posts to be written, or none."""

    name: str
    author_id: int
    fail: str = ""
    timeout: float | None = None


@app.post("/probe/pairs", status_code=201)
async def create_pair(pair: Pair, db: WriteDB) -> None:
    """Write one post by its service and one by hand, in one transaction; fail at the point that is named."""

    def fail(point: str) -> None:
        if pair.fail == point:
            raise RuntimeError(f"fails {point}")

    async with asyncio.timeout(pair.timeout), transaction(db):
        fail("at the start")
        first = PostCreate(title="a", content=f"{pair.name} a", author_id=pair.author_id)
        await PostService(db).create_post(first)
        fail("after one service")
        db.add(Post(title="b", content=f"{pair.name} b", author_id=pair.author_id))
        fail("before the flush")
        await db.flush()
        fail("after the flush")
        if pair.fail == "waiting":
            await asyncio.sleep(10)
        if pair.fail == "in a statement":
            await db.execute(SLEEP, {"seconds": 10})
        if pair.fail == "in the commit":
            await db.execute(ORPHAN)
        if pair.fail == "with an answer":
            raise HTTPException(404, "no")


@app.post("/probe/flush", status_code=201)
async def flush(pair: Pair, db: WriteDB) -> None:
    """Flush a row outside of any `transaction`, and fail."""
    db.add(Post(title="a", content=f"{pair.name} a", author_id=pair.author_id))
    await db.flush()
    raise RuntimeError("fails after the flush")


@app.post("/probe/slow-pairs", status_code=201)
async def create_slow_pair(pair: Pair, db: WriteDB) -> None:
    """Write two posts by two service calls, half a second apart."""
    posts = PostService(db)
    async with transaction(db):
        await posts.create_post(PostCreate(title="a", content=f"{pair.name} a", author_id=pair.author_id))
        await asyncio.sleep(0.5)
        await posts.create_post(PostCreate(title="b", content=f"{pair.name} b", author_id=pair.author_id))
