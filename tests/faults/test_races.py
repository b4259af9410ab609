"""Races: of requests that cannot all succeed one does, the others are told so, and no update is lost."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from .service import ADA, Database, Service, randomness

pytestmark = [pytest.mark.faults, pytest.mark.anyio]

Serve = Callable[..., Service]


@pytest.mark.parametrize(
    ("email", "username", "rounds"),
    [
        pytest.param("r{round}@example.com", "r{round}", 50, id="identical"),
        pytest.param("r{round}@example.com", "r{round}-{n}", 15, id="same e-mail"),
        pytest.param("r{round}-{n}@example.com", "r{round}", 15, id="same username"),
    ],
)
async def test_of_concurrent_registrations_one_succeeds(
    serve: Serve, database: Database, email: str, username: str, rounds: int
) -> None:
    """Of 20 registrations of one address or name at once, one is answered 201 and 19 are answered 409, each time."""
    service = serve(probe="races", workers=2)
    statuses: list[Counter[int]] = []
    started = time.perf_counter()
    async with service.client() as http:
        for number in range(rounds):
            bodies = [
                {**ADA, "email": email.format(round=number, n=n), "username": username.format(round=number, n=n)}
                for n in range(20)
            ]
            bodies[::2] = [{**body, "email": body["email"].upper()} for body in bodies[::2]]
            answers = await asyncio.gather(*(http.post("/api/v1/users", json=body) for body in bodies))
            statuses.append(Counter(answer.status_code for answer in answers))
    seconds = time.perf_counter() - started
    print(f"{database.kind}: {rounds} times 20 registrations in {seconds:.1f} s: {dict(sum(statuses, Counter()))}")
    assert statuses == [{201: 1, 409: 19}] * rounds
    assert await database.run("SELECT count(*) FROM users") == [(rounds,)]


async def test_a_freed_address_goes_to_the_restored_or_to_a_new_user(serve: Serve, database: Database) -> None:
    """When a user is restored while 10 others register the freed address, one of the 11 succeeds; the others get 409."""
    service = serve(probe="races", workers=2)
    chance = randomness()
    won: Counter[str] = Counter()
    async with service.client() as http:
        for number in range(50):
            key = await service.create_user(f"r{number}")
            assert (await http.delete(f"/api/v1/users/{key}")).status_code == 204
            body = {**ADA, "email": f"r{number}@example.com"}
            requests = [http.post("/api/v1/users", json={**body, "username": f"r{number}-{n}"}) for n in range(10)]
            requests.insert(chance.randrange(3), http.post(f"/api/v1/users/{key}/restore"))
            statuses = [answer.status_code for answer in await asyncio.gather(*requests)]
            assert Counter(statuses) in ({200: 1, 409: 10}, {201: 1, 409: 10})
            won["restored" if 200 in statuses else "registered"] += 1
    print(f"{database.kind}: 50 races for an address: {dict(won)}")
    assert await database.run("SELECT count(*) FROM users WHERE deleted_at IS NULL") == [(50,)]


async def test_updates_of_different_fields_are_all_kept(serve: Serve, database: Database) -> None:
    """Of concurrent PATCHes of one row, each changes what was sent; one after the other, so that one sees all."""
    service = serve(probe="races", workers=2)
    path = f"/api/v1/users/{await service.create_user()}"
    unseen = 0
    async with service.client() as http:
        for number in range(50):
            changes = {"email": f"r{number}@example.com", "username": f"r{number}", "full_name": f"R {number}"}
            answers = await asyncio.gather(*(http.patch(path, json={key: changes[key]}) for key in changes))
            assert [answer.status_code for answer in answers] == [200, 200, 200]
            stored = (await http.get(path)).json()
            assert {key: stored[key] for key in changes} == changes
            unseen += not any(changes.items() <= answer.json().items() for answer in answers)
    print(f"{database.kind}: 50 times 3 updates of one row; in {unseen} of them no answer had all three")
    assert unseen == 0


async def test_the_last_update_of_a_field_stays(serve: Serve, database: Database) -> None:
    """The value that a field has in the end is one after whose acknowledgement no other update was sent."""
    service = serve(probe="races", workers=2)
    path = f"/api/v1/users/{await service.create_user()}"
    acknowledged: dict[str, float] = {}
    last_sent = 0.0

    async def change(http: httpx.AsyncClient, client: int) -> None:
        nonlocal last_sent
        for number in range(50):
            value = f"{client} {number}"
            last_sent = time.perf_counter()
            assert (await http.patch(path, json={"full_name": value})).json()["full_name"] == value
            acknowledged[value] = time.perf_counter()

    async with service.client() as http:
        await asyncio.gather(*(change(http, client) for client in range(8)))
        value = (await http.get(path)).json()["full_name"]
    concurrent = [other for other, end in acknowledged.items() if end > last_sent]
    print(f"{database.kind}: 400 updates of one field; {len(concurrent)} could be the last")
    assert value in concurrent


async def test_no_increment_is_lost(serve: Serve, database: Database) -> None:
    """50 requests at once, each of which reads a row `with_for_update()` and writes it, count to 50, ten times."""
    service = serve(probe="races", workers=2)
    key = await service.create_user()
    await database.run("UPDATE users SET full_name = '0'")
    numbers: list[int] = []
    started = time.perf_counter()
    async with service.client() as http:
        for _ in range(10):
            counted = await asyncio.gather(*(http.post(f"/probe/users/{key}/count") for _ in range(50)))
            numbers += [answer.json() for answer in counted]
    print(f"{database.kind}: 500 increments in {time.perf_counter() - started:.1f} s")
    assert sorted(numbers) == list(range(1, 501))
    assert await database.run("SELECT full_name FROM users") == [("500",)]
