"""Passwords and secrets: argon2id, with parameters for what people choose and for what is random."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from churn.errors import UsageError

PEOPLE = PasswordHasher(time_cost=2, memory_cost=19 << 10, parallelism=1)
"""OWASP's parameters, 19 MiB and 20 to 40 ms: several sign-ins at once do not fill a small machine's memory."""

RANDOM = PasswordHasher(time_cost=1, memory_cost=1 << 10, parallelism=1)
"""For secrets of 256 random bits: nobody guesses them, so a slow hash would only help who floods us with wrong keys."""

SHORTEST_LETTERS = 12
LONGEST_LETTERS = 256


def require_strong(password: str, *, name: str) -> None:
    """Refuse a password that is too easy.

    Raises:
        UsageError: it is too short, too long, hardly varied, or holds the name.
    """
    if not SHORTEST_LETTERS <= len(password) <= LONGEST_LETTERS:
        raise UsageError(f"a password has {SHORTEST_LETTERS} to {LONGEST_LETTERS} characters: choose another")
    if len(set(password)) < 5 or name.lower() in password.lower():
        raise UsageError("the password is easy to guess (few different characters, or the name in it): choose another")


def holds(hasher: PasswordHasher, stored: str, presented: str) -> bool:
    """Say whether a password is the one that was hashed."""
    try:
        return hasher.verify(stored, as_bytes(presented))
    except (VerificationError, InvalidHashError):
        return False


def as_bytes(password: str) -> bytes:
    """Return what is hashed; text from JSON may hold what UTF-8 has no bytes for."""
    return password.encode("utf-8", "surrogatepass")
