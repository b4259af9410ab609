"""`make db-backup` and `make db-restore` of a SQLite project."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from ..harness import Project

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA wal_autocheckpoint = 0")
connection.execute("INSERT INTO notes VALUES ('logged')")
print(flush=True)
input()
"""


@pytest.fixture
def noted(make_owned: Callable[..., Project]) -> Iterator[tuple[Project, Path, "subprocess.Popen[str]"]]:
    """Yield a project, its SQLite file, and a process that has written into the write-ahead log and not into the file."""
    project = make_owned(database="sqlite")
    project.run("make", "db-upgrade")
    file = project.path / "my_service.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE notes (text)")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        yield project, file, holder
        holder.kill()


def notes(file: Path) -> list[str]:
    """Return what the file holds."""
    with closing(sqlite3.connect(file)) as connection:
        return [str(text) for (text,) in connection.execute("SELECT text FROM notes ORDER BY rowid")]


def test_backup_of_a_database_in_use_is_complete_and_restored(
    noted: tuple[Project, Path, "subprocess.Popen[str]"],
) -> None:
    project, file, holder = noted
    project.run("make", "db-backup", "FILE=back up.db")
    assert notes(project.path / "back up.db") == ["logged"]
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("INSERT INTO notes VALUES ('later')")

    in_use = project.run("make", "db-restore", "FILE=back up.db", check=False)
    assert in_use.returncode != 0
    assert f"{file.name} is in use. Stop the service first." in in_use.stderr
    assert not file.with_name(f"{file.name}-new").exists()
    assert notes(file) == ["logged", "later"]

    holder.kill()  # it leaves its write-ahead log
    holder.wait()
    file.chmod(0o640)
    file.with_name(f"{file.name}-journal").write_text("of another database")
    assert "Now run make db-upgrade" in project.run("make", "db-restore", "FILE=back up.db").stdout
    assert notes(file) == ["logged"]
    assert file.stat().st_mode & 0o777 == 0o640
    (before,) = project.path.glob("my_service-before-*.db")
    assert notes(before) == ["logged", "later"]
    project.run("make", "db-check")
    left = sorted(path.name for path in project.path.glob("*.db*") if not path.name.startswith(before.name))
    assert left == ["back up.db", file.name]


def test_a_copied_file_meets_the_old_write_ahead_log(noted: tuple[Project, Path, "subprocess.Popen[str]"]) -> None:
    """The reason for `make db-restore`: after a kill, the log undoes what is copied over the file."""
    project, file, holder = noted
    project.run("make", "db-backup", "FILE=empty.db")
    with closing(sqlite3.connect(project.path / "empty.db")) as connection, connection:
        connection.execute("DELETE FROM notes")
    holder.kill()
    holder.wait()
    shutil.copy(project.path / "empty.db", file)
    assert notes(file) == ["logged"]
    project.run("make", "db-restore", "FILE=empty.db")
    assert notes(file) == []


def test_each_restore_keeps_what_it_replaces(noted: tuple[Project, Path, "subprocess.Popen[str]"]) -> None:
    """Two at once too: neither takes the other's files."""
    project, file, holder = noted
    project.run("make", "db-backup", "FILE=backup.db")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("INSERT INTO notes VALUES ('precious')")
    holder.kill()
    holder.wait()
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda _: project.run("make", "db-restore", "FILE=backup.db", check=False), range(4)))
    kept = [notes(path) for path in (file, *project.path.glob("my_service-before-*.db"))]
    assert kept.count(["logged", "precious"]) == 1
    assert notes(file) == ["logged"]


def test_the_file_behind_a_link_is_restored(noted: tuple[Project, Path, "subprocess.Popen[str]"]) -> None:
    project, file, holder = noted
    project.run("make", "db-backup", "FILE=backup.db")
    holder.kill()
    holder.wait()
    (volume := project.path.parent / "volume").mkdir()
    stored = file.rename(volume / "data.db")
    file.symlink_to(stored)
    project.run("make", "db-restore", "FILE=backup.db")
    assert file.is_symlink()
    assert notes(stored) == ["logged"]
    project.run("make", "db-reset", "YES=1")
    assert file.is_symlink()
    with pytest.raises(sqlite3.OperationalError, match="no such table: notes"):
        notes(stored)


@pytest.mark.parametrize(
    ("target", "file", "sentence"),
    [
        ("db-backup", "", "The file is missing. Use make db-backup FILE=backup.db"),
        ("db-restore", "", "The file is missing. Use make db-restore FILE=backup.db"),
        ("db-backup", "README.md", "README.md exists. Choose another name."),
        ("db-backup", "no/such.db", "no/such.db-new-"),
        ("db-restore", "nothing.db", "Cannot copy nothing.db: unable to open database file."),
        ("db-restore", "README.md", "Cannot copy README.md: file is not a database."),
        ("db-restore", "empty", "Cannot copy empty: it has no tables."),
    ],
)
def test_wrong_backups_are_refused(make_owned: Callable[..., Project], target: str, file: str, sentence: str) -> None:
    project = make_owned(database="sqlite")
    project.run("make", "db-upgrade")
    before = (project.path / "my_service.db").read_bytes()
    (project.path / "empty").touch()
    done = project.run("make", target, f"FILE={file}", check=False)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert (project.path / "my_service.db").read_bytes() == before
    assert [path.name for path in project.path.glob("*.db*")] == ["my_service.db"]
