"""Ownership through keys of several columns, unique columns, cycles and inheritance."""

import pytest
from sqlalchemy import ForeignKey, ForeignKeyConstraint, MetaData, String, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from my_service.db.session import Conflict
from my_service.db.soft_delete import SoftDeleteMixin
from my_service.models.base import Base, BaseModel

METADATA = MetaData(naming_convention=Base.metadata.naming_convention)


class Star(BaseModel):
    """Has a unique name, by which its ships refer to it."""

    __tablename__ = "stars"
    metadata = METADATA

    name: Mapped[str] = mapped_column(String(50), unique=True)


class Berth(SoftDeleteMixin, Base):
    """Has a key of two columns."""

    __tablename__ = "berths"
    metadata = METADATA

    star_id: Mapped[int] = mapped_column(ForeignKey("stars.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class Ship(BaseModel):
    """Belongs to a star by its name, and perhaps to a berth."""

    __tablename__ = "ships"
    __table_args__ = (
        ForeignKeyConstraint(["star_id", "berth"], ["berths.star_id", "berths.number"], ondelete="CASCADE"),
    )
    metadata = METADATA
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "ship"}  # noqa: RUF012

    kind: Mapped[str] = mapped_column(String(9))
    home: Mapped[str | None] = mapped_column(ForeignKey("stars.name", ondelete="CASCADE"))
    star_id: Mapped[int | None]
    berth: Mapped[int | None]


class Tanker(Ship):
    """Has a table of its own, and belongs to another ship."""

    __tablename__ = "tankers"
    metadata = METADATA
    __mapper_args__ = {"polymorphic_identity": "tanker"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(ForeignKey("ships.id", ondelete="CASCADE"), primary_key=True)
    tender_id: Mapped[int | None] = mapped_column(ForeignKey("stars.id", ondelete="CASCADE"))


class Probe(Ship):
    """Has a column of its own in the table of ships."""

    metadata = METADATA
    __mapper_args__ = {"polymorphic_identity": "probe"}  # noqa: RUF012

    target_id: Mapped[int | None] = mapped_column(ForeignKey("stars.id", ondelete="CASCADE"))


class Cargo(BaseModel):
    """Belongs to a tanker, and to another cargo, which may belong to it."""

    __tablename__ = "cargoes"
    metadata = METADATA

    tanker_id: Mapped[int | None] = mapped_column(ForeignKey("tankers.id", ondelete="CASCADE"))
    below_id: Mapped[int | None] = mapped_column(ForeignKey("cargoes.id", ondelete="CASCADE"))


@pytest.fixture(autouse=True)
async def tables_of_ships(connection: AsyncConnection) -> None:
    """Create the tables in the transaction of the test."""
    await connection.run_sync(METADATA.create_all)


async def deleted(db: AsyncSession, model: type[Base]) -> list[bool]:
    """Return whether each row is deleted, in the order of the keys."""
    base: Table = model.__table__  # type: ignore[assignment]
    return [at is not None for at in await db.scalars(select(base.c.deleted_at).order_by(*base.primary_key))]


async def test_cascade_follows_composite_and_unique_keys(db_session: AsyncSession) -> None:
    star = Star(name="sol")
    db_session.add(star)
    await db_session.flush()
    db_session.add(Berth(star_id=star.id, number=7, deleted_at=None))
    await db_session.flush()
    db_session.add_all([Ship(star_id=star.id, berth=7), Ship(home="sol"), Ship()])
    await db_session.commit()
    star.soft_delete()
    await db_session.commit()
    assert await deleted(db_session, Berth) == [True]
    assert await deleted(db_session, Ship) == [True, True, False]
    berth = await db_session.get_one(Berth, (star.id, 7), execution_options={"with_deleted": True})
    berth.restore()
    with pytest.raises(Conflict, match=f"Berth belongs to a deleted Star: restore Star {star.id} first"):
        await db_session.commit()
    await db_session.rollback()
    await db_session.refresh(star)
    star.restore()
    await db_session.commit()
    assert await deleted(db_session, Ship) == [False, False, False]


async def test_cascade_follows_the_tables_of_subclasses(db_session: AsyncSession) -> None:
    star = Star(name="sol")
    db_session.add(star)
    await db_session.flush()
    tanker, probe, other = Tanker(tender_id=star.id), Probe(target_id=star.id), Tanker()
    db_session.add_all([tanker, probe, other])
    await db_session.flush()
    db_session.add_all([Cargo(tanker_id=tanker.id), Cargo(tanker_id=other.id)])
    await db_session.commit()
    star.soft_delete()
    await db_session.commit()
    assert await deleted(db_session, Ship) == [True, True, False]
    assert await deleted(db_session, Cargo) == [True, False]
    assert tanker.is_deleted
    key = star.id
    for ship in (tanker, probe):
        await db_session.refresh(ship)
        ship.restore()
        with pytest.raises(Conflict, match=f"restore Star {key} first"):
            await db_session.commit()
        await db_session.rollback()
    for item in (star, other):
        await db_session.refresh(item)
    star.restore()
    await db_session.commit()
    assert await deleted(db_session, Cargo) == [False, False]
    other.soft_delete()
    await db_session.commit()
    other.restore()
    await db_session.commit()
    assert await deleted(db_session, Ship) == [False, False, False]


async def test_restored_row_may_move_to_a_live_owner(db_session: AsyncSession) -> None:
    first, second = Star(name="first"), Star(name="second")
    db_session.add_all([first, second])
    await db_session.flush()
    probe = Probe(target_id=first.id)
    db_session.add(probe)
    await db_session.commit()
    first.soft_delete()
    await db_session.commit()
    await db_session.refresh(probe)
    probe.target_id = second.id
    probe.restore()
    await db_session.commit()
    assert await deleted(db_session, Ship) == [False]


async def test_cycle_is_deleted_and_restored(db_session: AsyncSession) -> None:
    one, two = Cargo(), Cargo()
    db_session.add_all([one, two])
    await db_session.flush()
    one.below_id, two.below_id = two.id, one.id
    await db_session.commit()
    one.soft_delete()
    await db_session.commit()
    assert await deleted(db_session, Cargo) == [True, True]
    one.restore()
    await db_session.commit()
    assert await deleted(db_session, Cargo) == [False, False]
