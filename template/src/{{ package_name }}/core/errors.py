"""What can go wrong in the terms of the service; api/errors.py turns it into responses."""


class Conflict(Exception):
    """The request is well formed but does not fit what is stored; its text is shown to the client."""
