"""What the service says about itself in its OpenAPI document is what it does."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from .service import Database, Service, randomness

pytestmark = pytest.mark.faults

ROWS = 200

# An e-mail address is more than its format says: domains such as .test are refused. And of the numbers that may be an id,
# those are taken that mostly are one; what is no valid id stays as it is.
HOOKS = f"""
import schemathesis
from hypothesis import strategies as st

schemathesis.openapi.format("email", st.from_regex(r"[a-z][a-z0-9]{{0,30}}@example[.](com|org|net)", fullmatch=True))


def within_reach(values):
    if not isinstance(values, dict):
        return values
    ids = {{key: value for key, value in values.items() if key.endswith("_id") and type(value) is int and value > 0}}
    return values | {{key: 1 + value % {ROWS} for key, value in ids.items() if value < 2**53}}


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    return within_reach(path_parameters)


@schemathesis.hook
def map_body(context, body):
    return within_reach(body)
"""


# Schemathesis knows deletion as the end of a row, and takes one that was restored for one that was not deleted. So what
# restores is asked by itself, in the sequences that it belongs to.
RUNS = {
    "all but restoring": ["--exclude-path-regex=/restore$"],
    "with restoring": ["--phases=coverage,stateful", "--exclude-checks=use_after_free"],
}


@pytest.mark.parametrize("run", RUNS)
def test_the_service_does_what_its_document_says(
    serve: Callable[..., Service], database: Database, tmp_path: Path, run: str
) -> None:
    """Thousands of requests made from the document, good, wrong and in sequences: no 5xx, no undeclared status, no answer
    that does not fit its schema, nothing accepted that the document refuses or refused that it accepts.
    """
    service = serve(probe="cheap_hashes")
    with httpx.Client(base_url=service.url) as http:
        for number in range(1, ROWS + 1):
            user = {"email": f"user{number}@example.com", "username": f"user{number}", "password": "correct horse"}
            assert http.post("/api/v1/users", json=user).status_code == 201
            post = {"title": "-", "content": "-", "author_id": number}
            assert http.post("/api/v1/posts", json=post).status_code == 201
    (tmp_path / "hooks.py").write_text(HOOKS)
    program = Path(sys.executable).parent / "schemathesis"
    options = [
        "--checks=all",
        "--max-examples=25",
        "--continue-on-failure",
        f"--seed={randomness().randrange(2**32)}",
        "--no-color",
        *RUNS[run],
    ]
    done = subprocess.run(
        [program, "run", f"{service.url}/openapi.json", *options],
        cwd=tmp_path,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "hooks",
            "PYTHONPATH": str(tmp_path),
            "HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    print(done.stdout[-20_000:])
    assert done.returncode == 0
    made = [asyncio.run(database.run(f"SELECT count(*) FROM {name}"))[0][0] - ROWS for name in ("users", "posts")]
    print(f"{database.kind}, {run}: {made[0]} users and {made[1]} posts made")
    assert sum(made) > 0
