"""What routes ask for. One name for each, so that a request never gets two sessions."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from ..core.database import ReadSession, get_db, get_read_db

# scope="function": the connection is free before the response leaves, or slow readers would keep them all.
WriteDB = Annotated[AsyncSession, Depends(get_db, scope="function")]
ReadDB = Annotated[ReadSession, Depends(get_read_db)]
