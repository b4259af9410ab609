"""Session dependencies of routes, and parameters that several routes take."""

from typing import Annotated

from fastapi import Depends, Path, Query
from sqlalchemy.ext.asyncio import AsyncSession

from ..core.database import ReadSession, get_db, get_read_db
from ..core.pagination import CURSOR

# Use these names, so that FastAPI opens one session for each request.
# scope="function" releases the connection before the response is sent. A slow client would keep it otherwise.
WriteDB = Annotated[AsyncSession, Depends(get_db, scope="function")]
ReadDB = Annotated[ReadSession, Depends(get_read_db)]

_MAX_ID = 2**63 - 1

RowId = Annotated[int, Path(ge=1, le=_MAX_ID, description="Id of the row.")]
Skip = Annotated[int, Query(ge=0, le=_MAX_ID, description="Number of rows to leave out.")]
Limit = Annotated[int, Query(ge=1, le=100, description="Maximum number of rows.")]
Cursor = Annotated[str | None, Query(pattern=CURSOR, description="The `next` of the previous page, instead of `skip`.")]
