"""User model API."""

from peer.web.api.users.views import router

__all__ = ["router"]
