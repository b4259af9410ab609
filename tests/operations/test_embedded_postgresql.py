"""The embedded PostgreSQL of a project: one server for each copy, and no other program is ever touched."""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from ..faults.stored import rows
from ..harness import Project, embedded_folder, embedded_server
from ..postgresql import EMBEDDED


def is_up(project: Path) -> bool:
    """Return whether the server of a project runs."""
    return (embedded_folder(project) / "data" / "postmaster.pid").exists()


def stops(project: Path) -> bool:
    """Return whether the server of a project stops within 20 s."""
    until = time.monotonic() + 20
    while is_up(project) and time.monotonic() < until:
        time.sleep(0.05)
    return not is_up(project)


def data_of(url: str) -> Path:
    """Return the folder of a server's data. A long path is reached by a link, which each process has of its own."""
    return Path(parse_qs(urlsplit(url).query)["host"][0]).resolve()


def databases(url: str, *statements: str) -> set[str]:
    """Run statements on a server, and return the names of its databases."""
    for statement in statements:
        rows(url, statement)
    return set(rows(url, "SELECT datname FROM pg_database"))


@pytest.fixture
def project(make_owned: Callable[..., Project]) -> Project:
    return make_owned(database="postgresql")


def test_it_runs_while_a_process_uses_it(project: Project) -> None:
    with embedded_server(project.path, project.variables) as (url, _):
        with embedded_server(project.path, project.variables) as (same, _):
            assert data_of(same) == data_of(url)
            databases(url, "CREATE DATABASE kept")
        assert "kept" in databases(url)
    assert stops(project.path)
    with embedded_server(project.path, project.variables) as (url, _):
        assert "kept" in databases(url)


def test_a_copy_of_the_project_has_data_of_its_own(project: Project) -> None:
    copy = project.path.with_name("copy")
    with embedded_server(project.path, project.variables) as (url, _):
        databases(url, "CREATE DATABASE ours")
        shutil.copytree(project.path, copy, symlinks=True, ignore=lambda _, names: [n for n in names if n[:3] == ".s."])
        for lock in (project.path / ".postgresql").rglob(".s.PGSQL.*.lock"):
            shutil.copy(lock, copy / lock.relative_to(project.path))
        with embedded_server(copy, project.variables) as (other, _):
            assert data_of(other) != data_of(url)
            databases(other, "CREATE DATABASE theirs", "DROP DATABASE IF EXISTS ours")
        assert stops(copy)
        names = databases(url)
        assert "ours" in names
        assert "theirs" not in names


def test_a_moved_project_keeps_its_data(project: Project) -> None:
    with embedded_server(project.path, project.variables) as (url, _):
        databases(url, "CREATE DATABASE kept")
    moved = project.path.rename(project.path.with_name('it\'s $(touch moved)\n\u2028 "here"'))
    with embedded_server(moved, project.variables) as (url, _):
        assert "kept" in databases(url)
    assert stops(moved)
    assert not list(moved.parent.rglob("moved"))


def test_it_stops_although_its_users_were_killed(project: Project) -> None:
    with embedded_server(project.path, project.variables) as (url, process):
        databases(url, "CREATE DATABASE kept")
        process.kill()
        process.wait()
    with embedded_server(project.path, project.variables) as (again, _):
        assert data_of(again) == data_of(url)
        assert "kept" in databases(again)
    assert stops(project.path)


def test_a_project_in_the_place_of_a_moved_one_is_another(project: Project) -> None:
    with embedded_server(project.path, project.variables) as (url, process):
        databases(url, "CREATE DATABASE ours")
        moved = project.path.rename(project.path.with_name("moved"))
        shutil.copytree(moved, project.path, symlinks=True, ignore=shutil.ignore_patterns(".postgresql"))
        with embedded_server(project.path, project.variables) as (url, _):
            databases(url, "CREATE DATABASE theirs")
            with embedded_server(moved, project.variables) as (own, _):
                assert databases(own) >= {"ours"}
                assert "theirs" not in databases(own)
            process.kill()
            process.wait()
            assert stops(moved)
            assert databases(url) >= {"theirs"}
    assert stops(project.path)


def test_a_server_whose_folder_was_deleted_does_not_end_its_successor(project: Project) -> None:
    with embedded_server(project.path, project.variables) as (_, process):
        shutil.rmtree(project.path / ".postgresql")
        with embedded_server(project.path, project.variables) as (url, _):
            process.kill()
            process.wait()
            time.sleep(1)
            assert databases(url)


def test_copies_of_a_moved_project_share_nothing(project: Project) -> None:
    with embedded_server(project.path, project.variables) as (url, _):
        databases(url, "CREATE DATABASE kept")
    assert stops(project.path)
    moved = project.path.rename(project.path.with_name("moved"))
    copies = [moved.with_name("one"), moved.with_name("two")]
    for copy in copies:
        shutil.copytree(moved, copy, symlinks=True)
    for path in (*copies, moved):
        with embedded_server(path, project.variables) as (url, _):
            names = databases(url, f"CREATE DATABASE {path.name}")
            assert names & {"kept", "moved", "one", "two"} == {"kept", path.name}


def test_two_first_starts_at_once_are_one(project: Project) -> None:
    use = embedded_server
    with ThreadPoolExecutor() as pool:
        for _again in range(3):
            shutil.rmtree(project.path / ".postgresql", ignore_errors=True)
            contexts = [use(project.path, project.variables) for _ in range(3)]
            urls = [url for url, _ in pool.map(lambda context: context.__enter__(), contexts)]
            assert len({*map(data_of, urls)}) == 1
            databases(urls[0], "CREATE DATABASE shared")
            for context in contexts:
                context.__exit__(None, None, None)


def test_the_process_of_another_program_is_left_alone(project: Project) -> None:
    """In a container, a process id of the last run soon belongs to another program."""
    with embedded_server(project.path, project.variables) as (url, _):
        data = embedded_folder(project.path) / "data"
        state = (data / "postmaster.pid").read_text().splitlines()
    with subprocess.Popen(["sleep", "600"]) as other:  # noqa: S607
        (data / "postmaster.pid").write_text("\n".join([str(other.pid), *state[1:], ""]))
        (data / ".s.PGSQL.5432.lock").write_text("\n".join([str(other.pid), *state[1:], ""]))
        with embedded_server(project.path, project.variables) as (url, _):
            databases(url)
        assert stops(project.path)
        assert other.poll() is None
        other.kill()


@pytest.mark.parametrize("written", ["", "0123456789abcdef", "../x 1"])
def test_a_damaged_name_is_made_up_for(project: Project, written: str) -> None:
    (project.path / ".postgresql").mkdir()
    (project.path / ".postgresql" / "name").write_text(written)  # which is read as root
    with embedded_server(project.path, project.variables) as (url, _):
        assert databases(url)


@pytest.mark.parametrize("name", ["long " * 20, "a, b"])
def test_the_path_of_the_socket_fits_into_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (long := tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    sockets = EMBEDDED["_socket_folder"](long)
    assert Path(sockets).resolve() == long
    assert len(f"{sockets}/.s.PGSQL.5432") <= 103
    assert "," not in sockets


def test_the_environment_does_not_matter(project: Project) -> None:
    nowhere = dict.fromkeys(("LC_ALL", "PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGDATABASE"), "/nowhere")
    assert " passed" in project.run("make", "test", "ARGS=-k health", check=True, **nowhere).stdout


@pytest.mark.parametrize("after", [0.2, 0.4, 0.8])
def test_a_start_that_was_killed_is_made_up_for(project: Project, after: float) -> None:
    program = "from scripts.embedded_postgresql import server_url; server_url(); input()"
    with subprocess.Popen(
        [project.path / ".venv/bin/python", "-c", program],
        cwd=project.path,
        env=project.variables,
        stdin=subprocess.PIPE,
        start_new_session=True,
    ) as killed:
        time.sleep(after)
        killed.send_signal(signal.SIGKILL)
    with embedded_server(project.path, project.variables) as (url, _):
        databases(url)
    assert stops(project.path)


def test_folders_above_the_project_stay_closed(make_owned: Callable[..., Project]) -> None:
    project = make_owned(database="postgresql")
    project.path.parent.chmod(0o700)
    with embedded_server(project.path, project.variables) as (url, _):
        assert url.startswith("postgresql://")
    assert project.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_temporary_folder_that_is_open_to_all_is_not_used(project: Project, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    (shared / ".lockfile").mkdir(parents=True)  # nobody can lock a folder, as nobody can lock another user's file
    shared.chmod(0o777)
    with embedded_server(project.path, {**project.variables, "TMPDIR": str(shared), "XDG_RUNTIME_DIR": ""}) as (url, _):
        assert url.startswith("postgresql://")
    assert [path.name for path in shared.iterdir()] == [".lockfile"]
