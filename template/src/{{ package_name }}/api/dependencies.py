"""Session dependencies of routes. Use these names, so that FastAPI opens one session for each request."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from ..core.database import ReadSession, get_db, get_read_db

# scope="function" releases the connection before the response is sent. A slow client would keep it otherwise.
WriteDB = Annotated[AsyncSession, Depends(get_db, scope="function")]
ReadDB = Annotated[ReadSession, Depends(get_read_db)]
