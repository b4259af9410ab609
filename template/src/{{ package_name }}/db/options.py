"""How engines connect, pool connections and give up."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """Options of an engine. Times are in seconds; 0 keeps the default of the server.

    SQLite uses the pool, `lock_timeout`, `log_sql` and `slow_query_threshold`; it ignores the others.
    """

    log_sql: bool = False
    slow_query_threshold: float = 0.1
    pool_size: int = 20
    max_overflow: int = 0
    pool_timeout: float = 10
    pool_recycle: int = 3600
    pool_pre_ping: bool = True
    lock_timeout: float = 5
    connect_timeout: float = 5
    network_timeout: float = 20
    statement_timeout: float = 30
    idle_in_transaction_timeout: float = 60
    client_check_interval: float = 1
    pgbouncer: bool = False
    application_name: str = ""
