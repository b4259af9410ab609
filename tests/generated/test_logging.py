"""Log lines, and the ids of requests."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient

from my_service.core.logging import JSONFormatter, TextFormatter, request_id
from my_service.main import create_app

PROGRAM = """
import logging
from my_service.core.logging import configure_logging
configure_logging("INFO", as_json=True)
logging.getLogger("my_service.services").info("sold %d", 3, extra={"order": 7})
logging.getLogger("uvicorn.error").info("Started")
logging.getLogger("uvicorn.access").info("GET /?token=secret")
logging.getLogger("alembic.runtime.migration").info("Context impl")
logging.getLogger("my_service.services").debug("not asked for")
"""


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Return what captures lines of level INFO."""
    caplog.set_level("INFO")
    return caplog


def own(lines: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return the lines of the service: the client of the tests writes some too."""
    return [record for record in lines.records if record.name.startswith("my_service")]


def failed() -> logging.LogRecord:
    """Return the record of an error."""
    try:
        raise ValueError("wrong")
    except ValueError:
        return logging.LogRecord("shop", logging.ERROR, "", 1, "%s failed", ("sale",), sys.exc_info())


def test_json_has_one_line_with_everything() -> None:
    token = request_id.set("abc")
    written = JSONFormatter().format(failed())
    request_id.reset(token)
    assert "\n" not in written
    line = json.loads(written)
    assert (line["level"], line["logger"], line["message"], line["request_id"]) == (
        "ERROR",
        "shop",
        "sale failed",
        "abc",
    )
    assert "ValueError: wrong" in line["traceback"]
    assert line["time"].endswith("+00:00")


def test_text_names_the_request() -> None:
    assert " ERROR   shop: sale failed\nTraceback" in TextFormatter().format(failed())
    token = request_id.set("abc")
    assert " shop: [abc] sale failed\n" in TextFormatter().format(failed())
    request_id.reset(token)


def test_every_logger_writes_in_one_format() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(__file__).parent.parent.parent / "src")},
    )
    found = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [line["message"] for line in found] == ["sold 3", "Started"]
    assert found[0]["order"] == 7


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_request_is_one_line_without_values(
    client: AsyncClient, lines: pytest.LogCaptureFixture, method: str
) -> None:
    answer = await client.request(method, "/health/live?token=secret")
    (record,) = own(lines)
    assert record.getMessage().startswith(f"{method} /health/live 200 ")
    assert vars(record)["status"] == 200
    assert "secret" not in record.getMessage()
    assert len(answer.headers["X-Request-ID"]) == 16
    lines.clear()
    await client.request(method, "/secret/token")
    (record,) = own(lines)
    assert record.getMessage().startswith(f"{method} unknown 404 ")


@pytest.mark.parametrize(("given", "taken"), [("a-B_1.2", True), ("a b", False), ("x" * 65, False), ("é", False)])
async def test_a_well_formed_id_is_taken_over(client: AsyncClient, given: str, taken: bool) -> None:
    answer = await client.get("/health/live", headers={b"X-Request-ID": given.encode()})
    assert (answer.headers["X-Request-ID"] == given) is taken


async def test_an_error_names_its_request(lines: pytest.LogCaptureFixture) -> None:
    app = create_app()

    @app.get("/rows/{row_id}")
    async def fail(row_id: int) -> None:
        raise RuntimeError(f"row {row_id}")

    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        answer = await client.get("/rows/5", headers={"X-Request-ID": "mine"})
    assert answer.json() == {"detail": "internal error", "request_id": "mine"}
    assert "GET /rows/{row_id} 500 " in lines.text
