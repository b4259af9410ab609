"""A statement that takes as long as one wishes, on either database."""

import time
from typing import Any

from probed.core.database import engine, read_engine
from sqlalchemy import event, text

if engine.dialect.name == "sqlite":
    # Many short naps: the database looks between them whether it shall stop.
    SLEEP = text(
        "WITH RECURSIVE naps(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM naps WHERE i < :seconds * 100)"
        " SELECT count(nap(i)) FROM naps"
    )

    def _connect(connection: Any, record: Any) -> None:
        connection.create_function("nap", 1, lambda number: time.sleep(0.01))

    event.listen(engine.sync_engine, "connect", _connect)
    event.listen(read_engine.sync_engine, "connect", _connect)
else:
    SLEEP = text("SELECT pg_sleep(:seconds)")
