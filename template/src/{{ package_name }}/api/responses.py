"""The responses that are no success, as OpenAPI declares them; errors.py makes them."""

from typing import Any

from pydantic import BaseModel


class Problem(BaseModel):
    """What went wrong, in a sentence."""

    detail: str


NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "There is no such row."}}
INVALID: dict[int | str, dict[str, Any]] = {400: {"model": Problem, "description": "The body cannot be read."}}
TOO_LARGE: dict[int | str, dict[str, Any]] = {413: {"model": Problem, "description": "The body is too large."}}
UNAVAILABLE: dict[int | str, dict[str, Any]] = {
    503: {"model": Problem, "description": "It cannot be done now; Retry-After says when to try again."}
}
CONFLICT: dict[int | str, dict[str, Any]] = {409: {"model": Problem, "description": "It does not fit what is stored."}}
