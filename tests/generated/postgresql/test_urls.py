"""However the hosts of a PostgreSQL are listed, a URL that shares one of them may name the same database."""

import random

import pytest

from my_service.db.postgresql_url import hosts, identify, parse_url
from my_service.db.url import same_database

# Spellings of one machine, as a URL writes them before a port.
MACHINES = [
    [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "127.0.0.1",
        "127.0.0.2",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",  # noqa: S104
    ],
    ["db.example.com", "DB.example.com", "db.example.com."],
    ["10.0.0.5", "[::ffff:10.0.0.5]"],
    ["[2001:db8::1]", "[2001:0db8:0::1]"],
]
Servers = list[tuple[int, int]]


def some_servers(chance: random.Random) -> Servers:
    """Return some machines, each with a port."""
    return [(chance.randrange(len(MACHINES)), chance.choice([5432, 5433])) for _ in range(chance.randint(1, 4))]


def written(chance: random.Random, servers: Servers, name: str) -> str:
    """Return one of the ways to write a database on these servers, in any order."""
    listed = [(chance.choice(MACHINES[number]), port) for number, port in chance.sample(servers, len(servers))]
    each = [host if port == 5432 and chance.random() < 0.5 else f"{host}:{port}" for host, port in listed]
    names = [host.strip("[]") for host, _ in listed]
    ports = ",".join(str(port) for _, port in listed)
    place = chance.choice(
        [
            f"{','.join(each)}/{name}?",
            f"/{name}?host={','.join(each)}&",
            f"/{name}?{'&'.join(f'host={host}' for host in each)}&",
            f"/{name}?host={','.join(names)}&port={ports}&",
            f"/{name}?{'&'.join(f'host={host}' for host in names)}&port={ports}&",
        ]
    )
    more = chance.choice(["", "target_session_attrs=primary", "sslmode=require&application_name=x"])
    return f"postgresql+asyncpg://{chance.choice(['', 'me@', 'me:a%2Cb%40@'])}{place}{more}".rstrip("?&")


@pytest.mark.parametrize("seed", range(20))
def test_a_shared_server_is_found_in_every_spelling(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    for _ in range(100):
        used, test = some_servers(chance), some_servers(chance)
        one, other = written(chance, used, "app"), written(chance, test, "app")
        assert same_database(parse_url(one), parse_url(other)) is bool({*used} & {*test}), f"{one} and {other}"
        assert not same_database(parse_url(one), parse_url(written(chance, used, "app_test")))


@pytest.mark.parametrize("seed", range(20))
def test_what_was_read_is_read_again_as_the_same(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    for _ in range(100):
        servers = some_servers(chance)
        url = parse_url(written(chance, servers, "app"))
        assert parse_url(url.render_as_string(hide_password=False)) == url
        assert len(hosts(url)) == len(servers)


def test_the_environment_of_libpq_stands_in_for_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "a,b")
    monkeypatch.setenv("PGPORT", "1,2")
    monkeypatch.setenv("PGDATABASE", "app")
    assert identify(parse_url("postgresql+asyncpg://")) == {("a", 1, b"app"), ("b", 2, b"app")}
