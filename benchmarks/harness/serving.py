"""Run programs that listen on a port of this machine, and choose their processors."""

import os
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil

# The measured program gets its own processor, if the machine has several and the system can set affinities. The load
# generator and the database run on the others, so that they do not slow it down.
CPUS = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
MEASURED, OTHERS = (CPUS[:1], CPUS[1:]) if len(CPUS) > 1 else (CPUS, CPUS)


class NotServedError(Exception):
    """A program does not listen; the text has its last output."""

    def __init__(self, command: Sequence[str], output: str) -> None:
        self.command = shlex.join(command)
        self.output = output
        super().__init__("\n".join([f"it does not start: {self.command}", *output.strip().splitlines()[-8:]]))


@contextmanager
def on(cpus: Collection[int]) -> Iterator[None]:
    """Run programs that are started within the block on these processors."""
    if not cpus:
        yield
        return
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, CPUS)


def accepts(port: int) -> bool:
    """Return whether something listens on a port of this machine."""
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def processor_time(url: str) -> float:
    """Return the CPU time of this URL's server program and its workers, in seconds."""
    port = f"--port={urlsplit(url).port}"
    (service,) = (child for child in psutil.Process().children() if port in child.cmdline())
    times = [process.cpu_times() for process in (service, *service.children(recursive=True))]
    return sum(time.user + time.system for time in times)


@contextmanager
def serving(command: Sequence[str], port: int, folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Run a program in this folder, yield its URL once it listens, and then end it and its child processes.

    Raises:
        NotServedError: it ends, or does not listen within a minute.
    """
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        ) as service,
    ):
        try:
            until = time.monotonic() + 60
            while not accepts(port):
                if service.poll() is not None or time.monotonic() > until:
                    log.seek(0)
                    raise NotServedError(command, log.read())
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            if service.poll() is None:
                os.killpg(service.pid, signal.SIGTERM)
            try:
                service.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(service.pid, signal.SIGKILL)
