"""Parameters that several routes take."""

from typing import Annotated

from fastapi import Path, Query

_MAX_ID = 2**63 - 1

RowId = Annotated[int, Path(ge=1, le=_MAX_ID, description="Id of the row.")]
Skip = Annotated[int, Query(ge=0, le=_MAX_ID, description="Number of rows to leave out.")]
Limit = Annotated[int, Query(ge=1, le=100, description="Maximum number of rows.")]
Cursor = Annotated[
    int | None, Query(ge=1, le=_MAX_ID, description="The `next` of the previous page, instead of `skip`.")
]
