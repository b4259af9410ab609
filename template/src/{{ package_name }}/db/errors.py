"""Errors of the database in the terms of the service. api/errors.py turns them into responses."""


class Conflict(Exception):
    """The request is valid, but the stored rows do not allow it. The client sees the text."""


class MigrationBlocked(Exception):
    """A migration gave up waiting for another process. The text says for which, and what to do."""
