"""Error responses as OpenAPI documents them. errors.py makes them."""

from typing import Any

from pydantic import BaseModel


class ErrorResponse(BaseModel):
    """What went wrong, in one sentence."""

    detail: str


Responses = dict[int | str, dict[str, Any]]

BAD_REQUEST: Responses = {400: {"model": ErrorResponse, "description": "The body cannot be decoded."}}
NOT_FOUND: Responses = {404: {"model": ErrorResponse, "description": "The row does not exist."}}
CONFLICT: Responses = {409: {"model": ErrorResponse, "description": "The stored rows do not allow this."}}
TOO_LARGE: Responses = {413: {"model": ErrorResponse, "description": "The body is too large."}}
UNAVAILABLE: Responses = {
    503: {"model": ErrorResponse, "description": "The service cannot do this now. Retry-After says when to try again."}
}
