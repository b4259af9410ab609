"""Tables that migrations make by hand and no model describes: autogenerate leaves them as they are."""

TABLES: frozenset[str] = frozenset()
