"""Keys, timestamps and defaults of every model."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import JSON, BigInteger, insert, select, text, update
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from my_service.db.models import ConstructorDefaults

from .planets import Planet


async def store(db: AsyncSession, name: str = "mars") -> Planet:
    """Store a planet."""
    planet = Planet(name=name)
    db.add(planet)
    await db.commit()
    return planet


def test_default_is_set_before_the_flush() -> None:
    assert Planet(name="mars").mass == 1
    assert Planet(name="mars", mass=5).mass == 5


def test_a_default_that_can_change_is_of_one_row_alone() -> None:
    class Base(ConstructorDefaults, DeclarativeBase):
        pass

    class Probe(Base):
        __tablename__ = "probes"
        id: Mapped[int] = mapped_column(primary_key=True)
        tags: Mapped[list[str]] = mapped_column(JSON, default=["new"])

    first = Probe()
    first.tags.append("secret")
    assert Probe().tags == ["new"]


def test_the_class_of_a_row_is_not_overwritten_by_a_default() -> None:
    class Base(ConstructorDefaults, DeclarativeBase):
        pass

    class Employee(Base):
        __tablename__ = "employees"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str] = mapped_column(default="employee")
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "employee"}  # noqa: RUF012

    class Manager(Employee):
        level: Mapped[int | None] = mapped_column(default=1)
        __mapper_args__ = {"polymorphic_identity": "manager"}  # noqa: RUF012

    assert (Employee().kind, Manager().kind, Manager().level) == ("employee", "manager", 1)


async def test_new_row_does_not_look_edited(db_session: AsyncSession) -> None:
    planet = await store(db_session)
    assert planet.updated_at == planet.created_at
    assert planet.created_at.tzinfo is UTC
    assert abs(datetime.now(UTC) - planet.created_at) < timedelta(minutes=1)


async def test_rows_of_one_statement_do_not_look_edited(db_session: AsyncSession) -> None:
    await db_session.execute(insert(Planet).values([{"name": "mars"}, {"name": "venus"}]))
    planets = (await db_session.scalars(select(Planet))).all()
    assert len(planets) == 2
    for planet in planets:
        assert planet.updated_at == planet.created_at


async def test_timestamps_support_arithmetic(db_session: AsyncSession) -> None:
    await store(db_session)
    day = timedelta(days=1)
    assert (await db_session.scalars(select(Planet).where(Planet.created_at < datetime.now(UTC) - day))).all() == []
    assert len((await db_session.scalars(select(Planet).where(Planet.created_at > datetime.now(UTC) - day))).all()) == 1


async def test_every_update_changes_updated_at(db_session: AsyncSession) -> None:
    planet = await store(db_session)
    planet.note = "red"
    await db_session.commit()
    edited = planet.updated_at
    assert edited > planet.created_at
    await db_session.execute(update(Planet).values(note="dusty"))
    await db_session.refresh(planet)
    assert planet.updated_at > edited


async def test_plain_sql_inserts_get_timestamps(db_session: AsyncSession) -> None:
    await db_session.execute(text("INSERT INTO planets (name, mass) VALUES ('raw', 1)"))
    assert await db_session.scalar(text("SELECT created_at FROM planets")) is not None
    assert await db_session.scalar(text("SELECT updated_at FROM planets")) is not None


async def test_naive_datetime_is_rejected(db_session: AsyncSession) -> None:
    db_session.add(Planet(name="mars", created_at=datetime(2020, 1, 1)))
    with pytest.raises(StatementError, match="needs a timezone"):
        await db_session.flush()


async def test_datetimes_are_returned_in_utc(db_session: AsyncSession) -> None:
    noon = datetime(2020, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    db_session.add(Planet(name="mars", created_at=noon))
    await db_session.commit()
    db_session.expunge_all()
    planet = (await db_session.scalars(select(Planet))).one()
    assert (planet.created_at, planet.created_at.tzinfo) == (noon, UTC)


async def test_id_of_a_deleted_row_is_not_reused(db_session: AsyncSession) -> None:
    first = await store(db_session)
    await db_session.delete(first)
    await db_session.commit()
    assert (await store(db_session)).id > first.id


def test_keys_have_64_bits() -> None:
    assert isinstance(Planet.__table__.c.id.type, BigInteger)


async def test_unique_column_rejects_a_taken_value(db_session: AsyncSession) -> None:
    db_session.add_all([Planet(name="mars"), Planet(name="mars")])
    with pytest.raises(IntegrityError):
        await db_session.flush()


async def test_deleting_a_row_deletes_what_it_owns(db_session: AsyncSession) -> None:
    planet = await store(db_session)
    await db_session.execute(text("INSERT INTO moons (name, planet_id) VALUES ('phobos', :id)"), {"id": planet.id})
    await db_session.delete(planet)
    await db_session.commit()
    assert await db_session.scalar(text("SELECT count(*) FROM moons")) == 0
