"""Whatever a client sends, the response says what is wrong with it, and is never a 500."""

import json

import pytest
from httpx import AsyncClient

MARS = {"name": "mars"}


def with_note(note: str) -> str:
    """Return a body that is valid but for the note, which is written as it is."""
    return json.dumps(MARS)[:-1] + f', "note": "{note}"}}'


@pytest.mark.parametrize(
    "body",
    [
        with_note("\\u0000").encode(),
        with_note("\\ud800").encode(),
        with_note("x").replace("note", "\\ud800").encode(),
        with_note("\x00").encode(),
        with_note("ä").encode("latin-1"),
        with_note("x" * 900_000).encode(),
        with_note("x" * 2_000_000).encode(),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"name": ' + b"9" * 100_000 + b"}",
        b"1e999999",
        b"NaN",
        b"null",
        b"[]",
        b"",
        b"\xff\xfe",
    ],
    ids=lambda body: repr(body[-30:]),
)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded"])
async def test_invalid_body_returns_4xx(planets: AsyncClient, body: bytes, content_type: str) -> None:
    response = await planets.post("/planets", content=body, headers={"Content-Type": content_type})
    assert 400 <= response.status_code < 500
    assert response.json()["detail"]
    assert (await planets.get("/planets")).json()["items"] == []
    valid = await planets.post("/planets", content=with_note("x"), headers={"Content-Type": "application/json"})
    assert valid.status_code == 201


@pytest.mark.parametrize("key", ["0", "-1", str(2**63), "9" * 5000, "1.5", "%00", "%ff", "%ed%a0%80", "1%0a1", "٣"])
@pytest.mark.parametrize(("method", "success"), [("GET", 200), ("PATCH", 200), ("DELETE", 204)])
async def test_invalid_path_id_returns_4xx(planets: AsyncClient, method: str, success: int, key: str) -> None:
    body: dict[str, str] | None = {} if method == "PATCH" else None
    mars = (await planets.post("/planets", json=MARS)).json()
    response = await planets.request(method, f"/planets/{key}", json=body)
    assert response.status_code in {404, 422}
    assert response.json()["detail"]
    assert (await planets.request(method, f"/planets/{mars['id']}", json=body)).status_code == success


@pytest.mark.parametrize(
    "value",
    ["", "1", "_", "1_-1", "1_1%0A", "%D9%A1_1", f"1_{2**63}", f"{10**18}_1", "9" * 5000 + "_1", "a_1", "%00", "%ff"],
)
async def test_invalid_cursor_returns_422(planets: AsyncClient, value: str) -> None:
    response = await planets.get(f"/planets?cursor={value}")
    assert response.status_code == 422
    assert response.json()["detail"]
    for cursor in ("1_1", f"{10**18 - 1}_{9 * 10**18 - 1}", "0_0"):
        assert (await planets.get(f"/planets?cursor={cursor}")).status_code == 200


@pytest.mark.parametrize("name", ["skip", "limit"])
@pytest.mark.parametrize("value", ["-1", str(2**63), "9" * 5000, "1e3", "%00", "%ff", "NaN", "", "1&{name}=x"])
async def test_invalid_parameter_returns_422(planets: AsyncClient, name: str, value: str) -> None:
    response = await planets.get(f"/planets?{name}={value.format(name=name)}")
    assert response.status_code == 422
    assert response.json()["detail"]
    assert (await planets.get(f"/planets?{name}=1")).status_code == 200


async def test_largest_numbers_are_accepted(planets: AsyncClient) -> None:
    largest = 2**63 - 1
    assert (await planets.get(f"/planets/{largest}")).json() == {"detail": f"Planet {largest} not found"}
    assert (await planets.get(f"/planets?skip={largest}&cursor=1_1")).json() == {"items": [], "next": None}
