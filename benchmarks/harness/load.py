"""Requests over HTTP, as many as are answered, by wrk."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from .serving import OTHERS, on, processor_time

# Many short runs in turn: what else the machine does then falls on all sides alike.
SECONDS, RUNS = 1, 15
PROCESSOR = "ms of the processor"
SCRIPT = Path(__file__).with_name("load.lua")
_bodies = count(1, 1_000_000)


@dataclass(frozen=True)
class Load:
    """What became of the requests.

    Args:
        rate: answers per second
        p50: seconds that half of the answers took at most
        p99: seconds that 99 of 100 answers took at most
        errors: how many were not answered, or not with a success
        answers: how many were
    """

    rate: float
    p50: float
    p99: float
    errors: int
    answers: int


def load(url: str, *, clients: int, seconds: float = SECONDS, body: str | None = None) -> Load:
    """Have each client ask again once it is answered, for so long.

    Args:
        url: what to ask for
        clients: how many ask at once
        seconds: how long
        body: JSON to POST, in which `{n}` stands for a number that no other body has, and `{n % 10}` for one from 1 to 10;
            None: GET

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
    """Return how long the program that was started to answer there is on a processor for each request, without an error."""
    before = processor_time(url)
    result = load(url, clients=clients)
    assert result.errors == 0, result
    return (processor_time(url) - before) / result.answers * 1000
