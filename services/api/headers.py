"""Headers that browsers are told to be careful by. A proxy with TLS adds Strict-Transport-Security."""

import re
from base64 import b64encode
from hashlib import sha256

Headers = tuple[tuple[bytes, bytes], ...]

CAREFUL: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
API: Headers = (
    *CAREFUL,
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
OF_PATH: dict[str, Headers] = {"/docs": (*CAREFUL, API[-1]), "/docs/{asset}": API[:-1]}
"""The page says its own policy; its assets say how long they may be kept."""

INLINE = re.compile(rb"<(script|style)(?![^>]*\ssrc=)[^>]*>(.*?)</\1>", re.DOTALL)


def careful_headers(path: str) -> Headers:
    """Return what is added to each answer of a route, by its template."""
    return OF_PATH.get(path, API)


def page_policy(page: bytes) -> str:
    """Return the Content-Security-Policy of a page: its own files, and what stands in it, by its hash."""
    found: dict[bytes, list[str]] = {b"script": [], b"style": []}
    for kind, text in INLINE.findall(page):
        found[kind].append(f"'sha256-{b64encode(sha256(text).digest()).decode()}'")
    scripts, styles = (" ".join(["'self'", *found[kind]]) for kind in (b"script", b"style"))
    return (
        f"default-src 'none'; script-src {scripts}; style-src {styles}; style-src-attr 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )
