"""A file of SQLite that is deleted or replaced under a running service: nothing is acknowledged that is lost."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from .service import ADA, Service, SQLiteDatabase

pytestmark = [pytest.mark.faults, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]

Serve = Callable[..., Service]


def statuses(http: httpx.Client, name: str) -> list[int]:
    """Return how a write, a read and the readiness probe are answered."""
    body = ADA | {"email": f"{name}@example.com", "username": name}
    return [
        http.post("/api/v1/users", json=body).status_code,
        http.get("/api/v1/users").status_code,
        http.get("/health/ready").status_code,
    ]


def delete(file: Path, backup: Path) -> None:
    """Delete the file."""
    file.unlink()


def replace(file: Path, backup: Path) -> None:
    """Move a backup into its place."""
    backup.rename(file)


@pytest.mark.parametrize("harm", [delete, replace])
def test_a_file_that_went_away_is_noticed(
    serve: Serve, database: SQLiteDatabase, tmp_path: Path, harm: Callable[[Path, Path], None]
) -> None:
    with closing(sqlite3.connect(database.path)) as source, closing(sqlite3.connect(tmp_path / "backup.db")) as target:
        source.backup(target)
    service = serve()
    with httpx.Client(base_url=service.url, timeout=20) as http:
        assert statuses(http, "before") == [201, 200, 200]
        harm(database.path, tmp_path / "backup.db")
        for number in range(3):
            assert statuses(http, f"during{number}") == [503, 503, 503]
        assert http.get("/health/live").status_code == 200
    assert f"The database file {database.path} was deleted or replaced. Restart the service." in service.log()
    assert "Traceback" not in service.log()


def test_a_service_without_its_file_creates_no_empty_one(serve: Serve, database: SQLiteDatabase) -> None:
    away = database.path.rename(database.path.with_name("away.db"))
    service = serve()
    with httpx.Client(base_url=service.url, timeout=20) as http:
        assert statuses(http, "early") == [503, 503, 503]
        assert not database.path.exists()
        away.rename(database.path)
        assert statuses(http, "later") == [201, 200, 200]
