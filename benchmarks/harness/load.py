"""Load a service over HTTP with wrk."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from .serving import OTHERS, on, processor_time

# Many short alternating runs, so that other load on the machine affects all sides equally.
SECONDS, RUNS = 1, 15
PROCESSOR = "ms of the processor"
SCRIPT = Path(__file__).with_name("load.lua")
_bodies = count(1, 1_000_000)


@dataclass(frozen=True)
class Load:
    """The result of a run.

    Args:
        rate: successful responses per second
        p50: median response time, in seconds
        p99: 99th percentile of the response time, in seconds
        errors: number of requests without a successful response
        answers: number of successful responses
    """

    rate: float
    p50: float
    p99: float
    errors: int
    answers: int


def load(url: str, *, clients: int, seconds: float = SECONDS, body: str | None = None) -> Load:
    """Let each client send its next request as soon as it has a response.

    Args:
        url: the URL to request
        clients: number of concurrent clients
        seconds: duration of the run
        body: JSON to POST. `{n}` stands for a number that no other body has, and `{n % 10}` for one from 1 to 10. None: GET

    Raises:
        SystemExit: wrk is not installed.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("these figures need wrk, which is not installed: `apt install wrk` or `brew install wrk`")
    arguments = [body, str(next(_bodies))] if body is not None else []
    options = ["-t1", f"-c{clients}", f"-d{seconds}s", "--timeout=30s", f"-s{SCRIPT}"]
    with on(OTHERS):
        printed = subprocess.run(
            [wrk, *options, url, "--", *arguments], check=True, stdout=subprocess.PIPE, text=True
        ).stdout
    result = json.loads(printed.splitlines()[-1])
    answers = result["requests"] - result["errors"]
    return Load(
        rate=answers / result["microseconds"] * 1e6,
        p50=result["p50"] / 1e6,
        p99=result["p99"] / 1e6,
        errors=result["errors"],
        answers=answers,
    )


def processor_milliseconds(url: str, *, clients: int) -> float:
    """Return the CPU time of this URL's server program for each request, in ms; every response must be a success."""
    before = processor_time(url)
    result = load(url, clients=clients)
    assert result.errors == 0, result
    return (processor_time(url) - before) / result.answers * 1000
