"""How an API key is written: `hf_<key_id>_<secret>`. Scanners for leaked secrets find it, and its id may be shown."""

import re
import secrets

KEY = re.compile(r"^hf_([0-9a-f]{16})_([A-Za-z0-9_-]{43})\Z")


def new_key() -> tuple[str, str]:
    """Return a new key's id and its secret of 256 random bits."""
    return secrets.token_hex(8), secrets.token_urlsafe(32)


def written(key_id: str, secret: str) -> str:
    """Return the key as its holder gets it."""
    return f"hf_{key_id}_{secret}"


def parts(text: str) -> tuple[str, str] | None:
    """Return a key's id and secret; None when it is none of ours."""
    found = KEY.match(text)
    return (found[1], found[2]) if found else None
