"""Passwords are hashed without holding up other requests."""

from my_service.core.security import hash_password_in_thread, verify_password_in_thread


async def test_only_the_hashed_password_is_verified() -> None:
    hashed = await hash_password_in_thread("correct horse")
    assert hashed != await hash_password_in_thread("correct horse")
    assert await verify_password_in_thread("correct horse", hashed)
    assert not await verify_password_in_thread("wrong", hashed)


async def test_missing_user_and_disabled_password_are_never_verified() -> None:
    for hashed in (None, "!"):
        assert not await verify_password_in_thread("correct horse", hashed)
