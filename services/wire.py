"""The wire: what both doors ask of uvicorn."""

from typing import TypedDict


class Wire(TypedDict):
    """Part of uvicorn's configuration."""

    access_log: bool
    proxy_headers: bool
    server_header: bool
    ws: str


WIRE: Wire = {
    "access_log": False,
    "proxy_headers": False,  # it believes whoever connects from this machine; the guard knows whom to believe
    "server_header": False,
    "ws": "none",
}
