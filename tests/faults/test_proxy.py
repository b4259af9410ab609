"""Clients that attack the server, with nginx before it as docs/operations.md of a project says, and without it."""

import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from ..harness import free_port
from .service import Service

pytestmark = [
    pytest.mark.faults,
    pytest.mark.system_packages,
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]

REQUEST = b"GET /health/live HTTP/1.1\r\nHost: service\r\n\r\n"
MEGABYTE = 1 << 20
# Everything that nginx writes goes to the folder it is started with.
MAIN = """
daemon off; pid nginx.pid; error_log error.log;
events {{}}
http {{
    access_log off; client_body_temp_path body; proxy_temp_path proxy;
    fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    {documented}
}}
"""


@contextmanager
def proxied(service: Service, folder: Path, **changes: str) -> Iterator[int]:
    """Run nginx with the configuration of docs/operations.md, and yield its port."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.fail("nginx is not installed: apt-get install nginx-light", pytrace=False)
    port = free_port()
    page = (service.project.path / "docs" / "operations.md").read_text()
    found = re.search(r"```nginx\n(.*?)```", page, re.DOTALL)
    assert found is not None
    documented = found[1]
    own = {"127.0.0.1:8000": f"127.0.0.1:{service.port}", "listen 80;": f"listen 127.0.0.1:{port};"}
    for old, new in (own | changes).items():
        assert old in documented
        documented = documented.replace(old, new)
    (folder / "nginx.conf").write_text(MAIN.format(documented=documented))
    with subprocess.Popen([program, "-p", folder, "-c", "nginx.conf", "-e", "error.log"]) as process:
        try:
            until = time.monotonic() + 10
            while socket.socket().connect_ex(("127.0.0.1", port)):
                assert process.poll() is None, (folder / "error.log").read_text()
                assert time.monotonic() < until
                time.sleep(0.02)
            yield port
        finally:
            process.terminate()


def growth(service: Service, port: int, sent: bytes) -> float:
    """Send bytes without reading an answer, and return by how many megabytes the service grew."""
    process = psutil.Process(service.pid)
    before = peak = process.memory_info().rss
    done = threading.Event()

    def send() -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=3) as client:
            try:
                client.sendall(sent)
                time.sleep(2)
            except OSError:
                pass  # the other end has had enough
        done.set()

    threading.Thread(target=send, daemon=True).start()
    while not done.wait(0.02):
        peak = max(peak, process.memory_info().rss)
    return (peak - before) / MEGABYTE


@pytest.mark.parametrize(
    "sent",
    [REQUEST * (4 * MEGABYTE // len(REQUEST)), REQUEST[:-2] + b"X: " + b"a" * 60 * MEGABYTE],
    ids=["pipelined requests", "one header"],
)
def test_memory_does_not_grow_with_what_a_client_sends(
    serve: Callable[..., Service], tmp_path: Path, sent: bytes
) -> None:
    attacked, behind = serve(), serve()
    without = growth(attacked, attacked.port, sent)
    with proxied(behind, tmp_path) as port:
        grown = growth(behind, port, sent)
        print(f"{without:.0f} MB without the proxy, {grown:.0f} MB with it")
        assert httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200
    assert grown < 15
    assert without > 30, "this is no attack"


def still_open(port: int) -> int:
    """Open connections that send a byte of a header in half a second, and return how many are open after 5 s."""
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    for byte in REQUEST[:10]:
        for client in clients:
            with suppress(OSError):  # it is closed
                client.send(bytes([byte]))
        time.sleep(0.5)
    opened = 0
    for client in clients:
        client.setblocking(False)
        try:
            client.recv(1000)  # nothing or an answer: the end
        except BlockingIOError:
            opened += 1
        except OSError:
            pass
        client.close()
    return opened


def test_clients_that_send_slowly_are_disconnected(serve: Callable[..., Service], tmp_path: Path) -> None:
    service = serve()
    with proxied(service, tmp_path, **{"client_header_timeout 10s;": "client_header_timeout 2s;"}) as port:
        assert still_open(port) == 0
    assert still_open(service.port) == 20, "this is no attack"
