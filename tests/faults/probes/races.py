"""A counter, and cheap password hashes, so that requests meet in the database."""

import cheap_hashes  # noqa: F401
from fastapi import HTTPException
from probed.api.dependencies import WriteDB
from probed.core.database import transaction
from probed.main import app
from probed.models.user import User
from sqlalchemy import select


@app.post("/probe/users/{user_id}/count")
async def count(user_id: int, db: WriteDB) -> int:
    """Add one to the number that stands in the user's name, as a service that reads and then writes does."""
    async with transaction(db):
        user = await db.scalar(select(User).where(User.id == user_id).with_for_update())
        if user is None:
            raise HTTPException(404)
        number = int(user.full_name or 0) + 1
        user.full_name = str(number)
    return number
