"""The address under which a client sees this door, a proxy's prefix included: for examples, never for decisions."""

import re

from fastapi import Request

USUAL = "http://127.0.0.1:3000"
HOST = re.compile(r"^([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?\Z")
PREFIX = re.compile(r"^(/[A-Za-z0-9._~-]{1,64}){0,8}\Z")
SCHEMES = ("http", "https")


def address_of(request: Request) -> str:
    """Return the address without a slash at its end; what a client wrote strangely is not repeated to it."""
    headers = request.headers
    host = headers.get("x-forwarded-host") or headers.get("host", "")
    scheme = headers.get("x-forwarded-proto") or request.scope["scheme"]
    prefix = (headers.get("x-forwarded-prefix") or request.scope.get("root_path", "")).rstrip("/")
    if not HOST.match(host) or scheme not in SCHEMES or not PREFIX.match(prefix):
        return USUAL
    return f"{scheme}://{host}{prefix}"
