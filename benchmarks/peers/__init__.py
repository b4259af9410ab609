"""Projects of other generators, with the same tables and routes, to compare with."""

from .fastapi_fullstack import FASTAPI_FULLSTACK
from .fastapi_template import FASTAPI_TEMPLATE
from .peer import Peer, Routes, UnavailableError
from .poleposition import POLEPOSITION

__all__ = ["NOT_HAD", "PEERS", "Peer", "Routes", "UnavailableError"]

PEERS = (FASTAPI_TEMPLATE, FASTAPI_FULLSTACK, POLEPOSITION)
# Generators that we tried in November 2026, and why they are not peers.
NOT_HAD = {
    "fapier 0.1.11": "its project does not start: SQLAlchemy's asyncio needs greenlet, which is not in its requirements",
    "fastapi-fastkit": "needs Python 3.12 itself",
    "fastapi-forge": "generates from a page in a browser, not from a command line",
}
