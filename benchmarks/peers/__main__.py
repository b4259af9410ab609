"""Generate every peer, and check it on the tables of a project of this template: python -m benchmarks.peers."""

import asyncio
import sys
import tempfile
from pathlib import Path

from ..harness.postgresql import execute, postgresql
from ..harness.rendered import Rendered
from . import NOT_HAD, PEERS, UnavailableError
from .check import WrongAnswerError, check, commits

ROWS = [
    """
    INSERT INTO users (email, username, full_name, hashed_password, is_active, created_at, updated_at)
    SELECT 'user' || i || '@example.com', 'user' || i, CASE WHEN i % 3 > 0 THEN 'Ünï "the ' || i || '."' END, 'x', i % 5 > 0,
        timestamptz '2001-02-03 04:05:06.000007+00' + i * interval '1 day', timestamptz '2002-02-03 04:05:06+00'
    FROM generate_series(1, 120) i
    """,
    """
    INSERT INTO posts (title, slug, description, content, author_id, created_at, updated_at)
    SELECT 'Title ' || i, 'post-' || i, CASE WHEN i % 2 > 0 THEN 'About ' || i END, 'text' || repeat(' text', i % 30),
        i % 100 + 1, timestamptz '2003-02-03 04:05:06+00', timestamptz '2004-02-03 04:05:06.5+00'
    FROM generate_series(1, 360) i
    """,
]


def main() -> int:
    """Generate and check all peers, and print when they commit; fail if a peer differs from its description."""
    failed = False
    with postgresql() as database, tempfile.TemporaryDirectory() as folder:
        ours = Rendered(
            Path(folder) / "ours", {"DATABASE_URL": database.url("postgresql+asyncpg")}, database="postgresql"
        )
        ours.python("-m", "alembic", "upgrade", "head")
        asyncio.run(execute(database, *ROWS, "VACUUM ANALYZE"))
        for peer in PEERS:
            try:
                print(peer.name, peer.make(), flush=True)
                with peer.served(database, "--no-access-log") as url:
                    check(url, peer.routes, database)
                    seen = commits(url, peer.routes, database)
                with peer.served_by_readme(database) as url:
                    check(url, peer.routes, database)
                print(f"  answers what the database holds, commits {seen} the answer", flush=True)
                failed |= seen != peer.commits
            except (UnavailableError, WrongAnswerError) as error:
                print(f"  {error}", flush=True)
                failed = True
    for name, reason in NOT_HAD.items():
        print(f"{name}: no peer, {reason}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
