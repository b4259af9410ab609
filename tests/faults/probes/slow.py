"""A statement that takes as long as one wishes, on either database."""

import time
from typing import Any

from probed.core.database import engine, read_engine
from sqlalchemy import event, text

last_nap = 0.0


def _nap(seconds: float) -> int:
    global last_nap
    time.sleep(seconds)
    last_nap = time.monotonic()
    return 1


if engine.dialect.name == "sqlite":
    # Many short naps: the database looks between them whether it shall stop.
    SLEEP = text(
        "WITH RECURSIVE naps(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM naps WHERE i < :seconds * 100)"
        " SELECT sum(nap(0.01)) FROM naps"
    )

    def _connect(connection: Any, record: Any) -> None:
        connection.create_function("nap", 1, _nap)

    event.listen(engine.sync_engine, "connect", _connect)
    event.listen(read_engine.sync_engine, "connect", _connect)
else:
    SLEEP = text("SELECT pg_sleep(:seconds)")
