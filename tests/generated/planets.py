"""The tables of these tests: a project has no model of them, and no migration."""

from typing import Any

from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, String, Table, and_
from sqlalchemy.orm import Mapped, mapped_column, relationship

from my_service.db.columns import unique_column
from my_service.models.base import Base, BaseModel

METADATA = MetaData(naming_convention=Base.metadata.naming_convention)

# The least that a transaction can write.
NOTES = Table("notes", METADATA, Column("id", Integer, primary_key=True))


class Planet(BaseModel):
    """Owns moons."""

    __tablename__ = "planets"
    __table_args__ = (Index(None, "created_at", "id"),)
    metadata = METADATA

    name: Mapped[str] = unique_column(String(50))
    note: Mapped[str | None] = mapped_column(String(50))
    mass: Mapped[int] = mapped_column(default=1)
    # By reference, not by name: a model of the project may have the same name.
    moons: Mapped[list["Moon"]] = relationship(
        lambda: Moon,
        primaryjoin=lambda: _moons_of_planet(),
        back_populates="planet",
        lazy="raise",
        passive_deletes="all",
    )


class Moon(BaseModel):
    """Belongs to a planet, and owns craters."""

    __tablename__ = "moons"
    metadata = METADATA

    name: Mapped[str] = mapped_column(String(50))
    planet_id: Mapped[int] = mapped_column(ForeignKey("planets.id", ondelete="CASCADE"), index=True)
    planet: Mapped[Planet] = relationship(Planet, back_populates="moons", lazy="raise")


class Crater(BaseModel):
    """Belongs to a moon, and perhaps to a larger crater."""

    __tablename__ = "craters"
    metadata = METADATA

    moon_id: Mapped[int] = mapped_column(ForeignKey("moons.id", ondelete="CASCADE"), index=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("craters.id", ondelete="CASCADE"), index=True)


def _moons_of_planet() -> Any:
    moons = Moon.__table__.c
    owned = Planet.__table__.c.id == moons.planet_id
    return and_(owned, moons.deleted_at.is_(None)) if "deleted_at" in moons else owned
