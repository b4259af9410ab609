"""Users, as clients send and get them: never with a hashed password, never made superusers."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, EmailStr, Field

from .base import Input, Read, Text, Unchanged

# An address has 254 characters at most.
Email = Annotated[EmailStr, Field(max_length=254), AfterValidator(str.lower)]
Username = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.-]+$"), AfterValidator(str.lower)]
FullName = Annotated[Text, Field(max_length=255)]
# A longer one would only make hashing expensive.
Password = Annotated[str, Field(min_length=8, max_length=128)]


class UserCreate(Input):
    """A new user."""

    email: Email
    username: Username
    full_name: FullName | None = None
    password: Password = Field(repr=False)


class UserUpdate(Input):
    """What changes about a user."""

    email: Unchanged[Email] = None
    username: Unchanged[Username] = None
    full_name: FullName | None = None
    password: Unchanged[Password] = Field(default=None, repr=False)


class UserRead(Read):
    """A user."""

    email: str
    username: str
    full_name: str | None
    is_active: bool
    created_at: datetime
    updated_at: datetime
