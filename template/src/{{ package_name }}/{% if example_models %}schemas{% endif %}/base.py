"""What the schemas share."""

from collections.abc import Sequence
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Item = TypeVar("Item")
Row = TypeVar("Row", bound="Read")


def _storable(value: str) -> str:
    # PostgreSQL cannot store the one, and UTF-8 not write the other.
    if "\x00" in value:
        raise ValueError("must not contain NUL characters")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("must not contain halves of surrogate pairs")
    return value


# A text of any other characters; the document of the API says so too.
Text = Annotated[str, AfterValidator(_storable), Field(json_schema_extra={"pattern": "^[^\\u0000]*$"})]


def _not_null(value: Any) -> Any:
    if value is None:
        raise ValueError("may be left out, but must not be null")
    return value


def _describe_without_null(schema: dict[str, Any]) -> None:
    schema.pop("default", None)
    schema.update(*(kind for kind in schema.pop("anyOf") if kind != {"type": "null"}))


# A field of an update that stays as it is when it is left out; its default is never stored.
Unchanged = Annotated[Item | None, AfterValidator(_not_null), Field(json_schema_extra=_describe_without_null)]


class Input(BaseModel):
    """What a client sends. A field that does not exist is an error, and so is never ignored."""

    model_config = ConfigDict(extra="forbid")


class Read(BaseModel):
    """What a client gets of a row."""

    model_config = ConfigDict(from_attributes=True)

    id: int


class Page(BaseModel, Generic[Row]):
    """One page of a list."""

    items: list[Row]
    next: int | None = Field(description="The cursor of the next page; null on the last page.")

    @classmethod
    def of(cls, rows: Sequence[Any], limit: int) -> Self:
        """Return a page of the first `limit` rows; one row more than that tells that another page follows."""
        page = cls.model_validate({"items": rows[:limit], "next": None}, from_attributes=True)
        page.next = page.items[-1].id if len(rows) > limit else None
        return page
