"""Copy all rows of a SQLite file into this project's PostgreSQL database.

    .venv/bin/python -m scripts.import_sqlite my_service.db [--replace]

The database is the one that the settings give, or else the embedded one. Run `make db-upgrade` first, and stop the
service: rows that it writes to the file meanwhile are not copied. Delete this script when the rows are there.

It reads a snapshot of the file, brought to the newest migration first, and writes in one transaction: the database holds
every row afterwards, or what it held before.
"""

import argparse
import asyncio
import csv
import io
import re
import secrets
import sqlite3
import sys
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Column, Connection, LargeBinary, MetaData, Table, create_engine, inspect
from sqlalchemy.dialects.postgresql import INTERVAL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool, StaticPool

from .dev_database import development_url

ROOT = Path(__file__).resolve().parent.parent
# Bytes sent at once, few enough that PostgreSQL reads one chunk while Python makes the next.
CHUNK = 2**17
# Represents NULL, which CSV does not distinguish from an empty text. No value equals it.
NULL = secrets.token_hex()
CONNECT_TIMEOUT = 5  # seconds
# Of the transaction. SQLite's datetimes are in UTC, without an offset.
SETTINGS = (
    "lock_timeout = '5s'",
    "statement_timeout = 0",
    "idle_in_transaction_session_timeout = 0",
    "TimeZone = 'UTC'",
)
# On a terminal, progress overwrites the line of a table; elsewhere it is a new line.
END, SECONDS = ("\r", 0.1) if sys.stdout.isatty() else ("\n", 10)


@dataclass(frozen=True)
class Snapshot:
    """A copy of the file at head, the columns of its tables, and the highest id that each table ever gave."""

    rows: sqlite3.Connection
    columns: dict[str, set[str]]
    numbers: dict[str, int]


def alembic_config(connection: Connection) -> Config:
    """Return the project's configuration, for commands on this connection."""
    return Config(toml_file=ROOT / "pyproject.toml", attributes={"connection": connection}, stdout=sys.stderr)


def check_file(path: Path) -> None:
    """Check that there is a file.

    Raises:
        SystemExit: there is none.
    """
    if path.is_dir():
        raise SystemExit(f"{path} is a folder: give the SQLite file.")
    if not path.is_file():
        raise SystemExit(f"There is no file {path}: give the path of the SQLite file.")


def target_url() -> URL:
    """Return the URL of the database to fill, which exists.

    Raises:
        SystemExit: it is not a PostgreSQL database.
    """
    url = development_url()
    if url.get_backend_name() != "postgresql":
        raise SystemExit(f"DATABASE_URL is not a PostgreSQL URL: {url}. Use postgresql://user:password@host/name.")
    return url


@contextmanager
def snapshot(path: Path) -> Iterator[Snapshot]:
    """Yield a copy of the file, migrated to head; the file itself is not changed.

    Raises:
        SystemExit: the file cannot be read or belongs to another project, or a migration fails.
    """
    with closing(sqlite3.connect("")) as rows:  # a private temporary file
        try:
            with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as file:
                file.execute("SELECT name FROM sqlite_master").fetchone()  # backup() would wait for a lock without end
                file.backup(rows)
            before = last_numbers(rows)
        except sqlite3.Error as error:
            raise SystemExit(f"{path} cannot be read as a SQLite file: {error}.") from None
        with create_engine("sqlite://", creator=lambda: rows, poolclass=StaticPool).begin() as connection:
            columns = bring_to_head(connection, path)
        # Where a migration rebuilt a table, SQLite has forgotten the ids of its deleted rows.
        after = last_numbers(rows)
        yield Snapshot(rows, columns, {table: max(before.get(table, 0), after.get(table, 0)) for table in columns})


def last_numbers(rows: sqlite3.Connection) -> dict[str, int]:
    """Return the highest id that each table ever gave, to deleted rows too."""
    if not rows.execute("SELECT name FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone():
        return {}
    return dict(rows.execute("SELECT name, seq FROM sqlite_sequence"))


def bring_to_head(connection: Connection, path: Path) -> dict[str, set[str]]:
    """Run the migrations that the snapshot lacks, and return the columns by table.

    Raises:
        SystemExit: the file belongs to another project, or a migration fails.
    """
    connection.exec_driver_sql("PRAGMA foreign_keys = OFF")  # migrations rebuild tables: copy, drop, rename
    try:
        config = alembic_config(connection)
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        at = MigrationContext.configure(connection).get_current_heads()
        if not at or not known.issuperset(at):
            what = " and ".join(at) or "no migration"
            raise SystemExit(f"{path} is of another project: it is at {what}, which alembic/versions/ does not have.")
        command.upgrade(config, "head")
        tables = inspect(connection).get_multi_columns().items()
    except Exception as error:  # a migration can raise any exception
        raise SystemExit(f"The migrations do not run on a copy of {path}: {reason(error)}") from None
    return {name: {column["name"] for column in columns} for (_, name), columns in tables if name != "alembic_version"}


def target_tables(connection: Connection, source: Snapshot) -> tuple[list[Table], dict[str, str]]:
    """Return the tables to fill, referenced ones first. Also return how to alter each foreign key of a cycle, and its present state.

    Raises:
        SystemExit: the database is not at head.
    """
    if inspect(connection).has_table("alembic_version"):
        connection.exec_driver_sql("LOCK TABLE alembic_version IN SHARE MODE")  # no migration commits meanwhile
    at = MigrationContext.configure(connection).get_current_heads()
    if set(at) != set(ScriptDirectory.from_config(alembic_config(connection)).get_heads()):
        raise SystemExit("The database is not at the newest migration: run make db-upgrade first.")
    metadata = MetaData()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of unknown types, and of cycles
        metadata.reflect(connection, only=lambda name, _: name in source.columns)
        tables = [table for table in metadata.sorted_tables if table.key in source.columns]
    circular = {
        f"ALTER TABLE {quoted(table.name)} ALTER CONSTRAINT {quoted(str(key.name))}": (
            f"DEFERRABLE INITIALLY {key.initially or 'IMMEDIATE'}" if key.deferrable else "NOT DEFERRABLE"
        )
        for position, table in enumerate(tables)
        for key in table.foreign_key_constraints
        if key.referred_table in tables[position + 1 :]
    }
    return tables, circular


def report_left_out(source: Snapshot, tables: list[Table]) -> None:
    """Name the tables and columns that only the file has."""
    filled = {table.name: source.columns[table.name] - set(table.columns.keys()) for table in tables}
    missing = [f"{table}.{column}" for table, columns in filled.items() for column in columns]
    if left_out := sorted([*source.columns.keys() - filled.keys(), *missing]):
        print(f"Not copied, because only the file has them: {', '.join(left_out)}")


def quoted(name: str) -> str:
    """Return the name as an identifier for either database."""
    return '"' + name.replace('"', '""') + '"'


def text_of(column: Column[Any]) -> str:
    """Return the SQLite expression that turns a stored value into text for PostgreSQL."""
    name = quoted(column.name)
    if isinstance(column.type, LargeBinary):
        value = rf"'\x' || hex({name})"
    elif isinstance(column.type, INTERVAL):  # SQLAlchemy stores 1970-01-01 plus the interval
        days = f"CAST(julianday(substr({name}, 1, 10)) - 2440587.5 AS INTEGER)"
        is_datetime = f"{name} GLOB '????-??-?? ??:??:??*'"
        value = f"CASE WHEN {is_datetime} THEN {days} || ' days +' || substr({name}, 12) ELSE {name} END"
    else:
        value = f"CASE typeof({name}) WHEN 'blob' THEN CAST({name} AS TEXT) ELSE {name} END"
    return f"CASE WHEN {name} IS NULL THEN '{NULL}' ELSE {value} END AS {quoted(str(column))}"


async def as_csv(rows: sqlite3.Cursor, table: str, total: int) -> AsyncIterator[bytes]:
    """Yield the rows as CSV, about CHUNK bytes at a time, and show the progress."""
    done, said, size = 0, time.monotonic(), 1
    while batch := rows.fetchmany(size):
        text = io.StringIO()
        # Texts are quoted: before PostgreSQL 18, a bare \. ends the data.
        csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n").writerows(batch)
        chunk = text.getvalue().encode()
        yield chunk
        done += len(batch)
        size = max(1, min(2 * size, size * CHUNK // len(chunk)))
        if time.monotonic() - said > SECONDS and done < total:
            print(f"  {table}: {done:,} of {total:,} rows", end=END, flush=True)
            said = time.monotonic()


def reason(error: Exception) -> str:
    """Return the message of the database or of the system."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(cause) or type(cause).__name__


async def copy_rows(source: Snapshot, url: URL, *, replace: bool) -> None:
    """Fill the tables in one transaction; with `replace`, delete their rows in it first.

    Raises:
        SystemExit: the database cannot be reached, is not at head, is not empty, or rejects a row; it is unchanged.
    """
    # No prepared statements: PgBouncer may be in between.
    connect_args = {"timeout": CONNECT_TIMEOUT, "statement_cache_size": 0, "prepared_statement_cache_size": 0}
    engine = create_async_engine(url, poolclass=NullPool, connect_args=connect_args)
    try:
        connection = await engine.connect()
    except (OSError, TypeError, DBAPIError) as error:  # TypeError: an unknown option in the URL
        raise SystemExit(f"Cannot reach the database {url}: {reason(error)}") from None
    try:
        for setting in SETTINGS:
            await connection.exec_driver_sql(f"SET LOCAL {setting}")
        tables, circular = await connection.run_sync(target_tables, source)
        report_left_out(source, tables)
        if tables:
            driver = (await connection.get_raw_connection()).driver_connection
            await fill(driver, source, tables, circular, replace=replace)
        await connection.commit()
        print(f"Copied: {len(tables)} tables, each with as many rows as in the file.")
    except (OSError, sqlite3.Error, DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise SystemExit(f"{explain(error, source)}\nNothing was changed.") from None
    finally:
        await connection.close()
        await engine.dispose()


async def fill(driver: Any, source: Snapshot, tables: list[Table], circular: dict[str, str], *, replace: bool) -> None:
    """Copy table by table, compare the counts, and restart the sequences.

    Raises:
        SystemExit: a table is not empty, or has another number of rows afterwards.
    """
    count = {table.name: f"SELECT count(*) FROM {quoted(table.name)}" for table in tables}  # noqa: S608
    everything = ", ".join(map(quoted, count))
    await driver.execute(f"LOCK TABLE {everything} IN SHARE ROW EXCLUSIVE MODE")
    if replace:
        await driver.execute(f"TRUNCATE {everything}")
    held = {name: rows for name, sql in count.items() if (rows := await driver.fetchval(sql))}
    if held:
        raise SystemExit(
            f"These tables are not empty: {', '.join(f'{name} ({rows:,})' for name, rows in held.items())}."
            " Nothing was changed. With --replace, their rows are deleted first, in the same transaction."
        )
    expected = {name: source.rows.execute(sql).fetchone()[0] for name, sql in count.items()}
    for alter in circular:
        await driver.execute(f"{alter} DEFERRABLE INITIALLY DEFERRED")
    for table in tables:
        await copy_table(driver, source, table, expected[table.name])
    await driver.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for alter, initially in circular.items():
        await driver.execute(f"{alter} {initially}")
    for name, rows in expected.items():
        if (copied := await driver.fetchval(count[name])) != rows:
            raise SystemExit(f"{name} has {copied:,} rows instead of {rows:,}. Nothing was changed.")
    for table in tables:
        await restart_sequence(driver, table, source.numbers[table.name])


async def copy_table(driver: Any, source: Snapshot, table: Table, total: int) -> None:
    """Copy one table, without its generated columns."""
    columns = [c for c in table.columns if c.computed is None and c.name in source.columns[table.name]]
    names = [column.name for column in columns]
    rows = source.rows.execute(f"SELECT {', '.join(map(text_of, columns))} FROM {quoted(table.name)}")  # noqa: S608
    options = {"columns": names, "format": "csv", "null": NULL, "force_null": names}
    await driver.copy_to_table(table.name, source=as_csv(rows, table.name, total), **options)
    print(f"  {table.name}: {total:,} of {total:,} rows", flush=True)


async def restart_sequence(driver: Any, table: Table, last: int) -> None:
    """Continue the ids of a table after the highest that either database gave."""
    name = quoted(table.name)
    for column in table.columns:
        sequence = await driver.fetchval("SELECT pg_get_serial_sequence($1, $2)", name, column.name)
        if sequence is not None:
            held = await driver.fetchval(f"SELECT max({quoted(column.name)}) FROM {name}") or 0  # noqa: S608
            highest = max(held, last if column.primary_key else 0)
            forward = "SELECT setval(s, greatest(nextval(s), $2)) FROM CAST($1::text AS regclass) AS s WHERE $2 > 0"
            await driver.execute(forward, sequence, highest)


def find_bad_rows(error: Exception, source: Snapshot) -> Iterator[str]:
    """Yield the rows that SQLite accepts and PostgreSQL rejects."""
    if isinstance(error, asyncpg.ForeignKeyViolationError):
        found = source.rows.execute('SELECT "table", rowid, parent FROM pragma_foreign_key_check LIMIT 5')
        yield from (f"{table} row {row} refers to a row of {other} that does not exist." for table, row, other in found)
    if isinstance(error, asyncpg.CharacterNotInRepertoireError):
        for table, columns in source.columns.items():
            for name in map(quoted, sorted(columns)):
                search = f"SELECT * FROM {quoted(table)} WHERE typeof({name}) = 'text' AND instr({name}, char(0))"  # noqa: S608
                if source.rows.execute(search).fetchone():
                    yield f"A text of {table} holds a NUL character, which PostgreSQL cannot store: {search}"


def explain(error: Exception, source: Snapshot) -> str:
    """Return the error message, with the row of the file that causes it if that is known."""
    with suppress(sqlite3.Error):
        if found := list(find_bad_rows(error, source)):
            return "\n".join(found)
    if getattr(getattr(error, "orig", error), "sqlstate", None) == asyncpg.LockNotAvailableError.sqlstate:
        return "Another process uses these tables: stop the service first."
    place = re.search(r"^COPY (.+?)(: |$)", getattr(error, "context", None) or "", re.MULTILINE)
    # Without the row itself, which may hold secrets.
    said = reason(error).partition("\nDETAIL:  Failing row")[0]
    return f"{place[1]}: {said}" if place else said


def main() -> int:
    """Copy the rows of the file that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="the SQLite file")
    parser.add_argument("--replace", action="store_true", help="delete the rows that the tables hold first")
    given = parser.parse_args()
    check_file(given.file)
    try:
        url = target_url()
        print(f"Copying {given.file} into {url}", flush=True)
        with snapshot(given.file) as source:
            asyncio.run(copy_rows(source, url, replace=given.replace))
    except KeyboardInterrupt:
        print("\nStopped. Nothing was changed.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
