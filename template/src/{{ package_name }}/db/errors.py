"""Errors in the terms of the service."""


class Conflict(Exception):
    """The request is valid, but the stored rows do not allow it. api/errors.py answers 409 with the text."""


class MigrationBlocked(Exception):
    """A migration gave up waiting for a lock."""
