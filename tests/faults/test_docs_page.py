"""The page /docs in a browser that reaches the service and nothing else."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .service import Service

pytestmark = [
    pytest.mark.faults,
    pytest.mark.system_packages,
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]


def test_docs_are_shown_without_the_internet(serve: Callable[..., Service], tmp_path: Path) -> None:
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("chromium is not installed: apt-get install chromium", pytrace=False)
    service = serve()
    browser = [program, "--headless", "--disable-gpu", f"--user-data-dir={tmp_path}", "--virtual-time-budget=10000"]
    browser += ["--no-sandbox"] if os.geteuid() == 0 else []
    alone = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    shown = subprocess.run(
        [*browser, alone, "--dump-dom", service.url],  # / leads to /docs
        env=os.environ | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    assert shown.count('class="opblock ') == 14, "each route of the examples"
    assert "/api/v1/users/{user_id}" in shown.replace("\u200b", "").replace("<wbr>", "")
