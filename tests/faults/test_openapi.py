"""What the service says about itself in its OpenAPI document is what it does."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .service import Database, Service, randomness

pytestmark = pytest.mark.faults

# An e-mail address is more than its format says: domains such as .test are refused.
HOOKS = """
import schemathesis
from hypothesis import strategies as st

schemathesis.openapi.format("email", st.from_regex(r"[a-z][a-z0-9]{0,30}@example[.](com|org|net)", fullmatch=True))
"""


def test_the_service_does_what_its_document_says(
    serve: Callable[..., Service], database: Database, tmp_path: Path
) -> None:
    """Thousands of requests made from the document, good, wrong and in sequences: no 5xx, no undeclared status, no answer
    that does not fit its schema, nothing accepted that the document refuses or refused that it accepts.
    """
    service = serve(probe="cheap_hashes")
    (tmp_path / "hooks.py").write_text(HOOKS)
    program = Path(sys.executable).parent / "schemathesis"
    seed = str(randomness().randrange(2**32))
    # ensure_resource_availability: it takes the 404 of a restore for a lost row; only what is deleted can be restored.
    options = [
        "--checks=all",
        "--exclude-checks=ensure_resource_availability",
        "--max-examples=60",
        "--continue-on-failure",
        f"--seed={seed}",
        "--no-color",
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
