"""Base classes and field types of the schemas."""

from collections.abc import Sequence
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ..core.pagination import cursor_of

Item = TypeVar("Item")
Row = TypeVar("Row", bound="ReadSchema")


class RequestSchema(BaseModel):
    """A request body. Unknown fields are rejected."""

    model_config = ConfigDict(extra="forbid")


class ReadSchema(BaseModel):
    """A row in a response body."""

    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel, Generic[Row]):
    """One page of a list."""

    items: list[Row]
    next: str | None = Field(description="Cursor of the next page; null on the last page.")

    @classmethod
    def from_rows(cls, rows: Sequence[Any], limit: int) -> Self:
        """Return a page of the first `limit` rows. One more row means that another page follows."""
        following = cursor_of(rows[limit - 1]) if len(rows) > limit else None
        return cls.model_validate({"items": rows[:limit], "next": following}, from_attributes=True)


# Text that every database can store: without NUL. Matching a pattern also rejects halves of surrogate pairs.
StorableText = Annotated[str, Field(pattern=r"^[^\u0000]*$")]

# Names that look alike must not differ in what nobody sees.
VisibleText = Annotated[str, Field(pattern=r"^\P{Default_Ignorable_Code_Point}*$")]


def _not_null(value: Any) -> Any:
    if value is None:
        raise ValueError("may be omitted, but must not be null")
    return value


def _describe_without_null(schema: dict[str, Any]) -> None:
    schema.pop("default", None)
    kinds = [kind for kind in schema.pop("anyOf") if kind != {"type": "null"}]
    schema.update(kinds[0] if len(kinds) == 1 else {"anyOf": kinds})


# A field of an update that keeps its value when omitted: declare it as `title: Omittable[Title] = None`.
Omittable = Annotated[Item | None, AfterValidator(_not_null), Field(json_schema_extra=_describe_without_null)]
