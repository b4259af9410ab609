"""Log slow statements as warnings, without their values."""

import logging
import time
from typing import Any

from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.ext.asyncio import AsyncEngine

logger = logging.getLogger(__name__)


def log_slow_queries(engine: AsyncEngine, threshold: float) -> None:
    """Log every statement of this engine that takes at least `threshold` seconds; 0 logs all."""
    # An execution context costs less than two event listeners (benchmarks: ablations, overheads).
    context: Any = engine.dialect.execution_ctx_cls
    engine.dialect.execution_ctx_cls = type(context.__name__, (_TimedContext, context), {"threshold": threshold})


class _TimedContext(DefaultExecutionContext):
    threshold: float

    def pre_exec(self) -> None:
        super().pre_exec()  # type: ignore[no-untyped-call]
        self.started = time.perf_counter()

    def post_exec(self) -> None:
        seconds = time.perf_counter() - self.started
        if seconds >= self.threshold:
            logger.warning("Slow query: %.2fs - %s", seconds, " ".join((self.statement or "").split())[:1000])
        super().post_exec()  # type: ignore[no-untyped-call]
