"""A warning in the log for each statement that takes long, without the values in it."""

import logging
import time
from typing import Any

from sqlalchemy import Connection, Engine, event

logger = logging.getLogger(__name__)


def log_slow_queries(threshold: float) -> None:
    """Log every statement of this process that takes at least `threshold` seconds; 0 logs all."""

    @event.listens_for(Engine, "before_cursor_execute")
    def _before(
        connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
    ) -> None:
        context.started = time.perf_counter()

    @event.listens_for(Engine, "after_cursor_execute")
    def _after(
        connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
    ) -> None:
        seconds = time.perf_counter() - context.started
        if seconds >= threshold:
            logger.warning("Slow query: %.2fs - %s", seconds, " ".join(statement.split())[:1000])
