"""Addresses: where a request comes from, with a proxy's word only when the proxy is trusted."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

UNKNOWN = "unknown"
"""What comes without an address (a Unix socket) counts as one."""

MOST_HOPS = 32


class Addresses:
    """Finds a client's address, written so that one household of IPv6 is one address."""

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        self._trusted: tuple[Network, ...] = tuple(ip_network(each, strict=False) for each in trusted_proxies)

    def of(self, scope: Scope) -> str:
        """Return the address that limits count by."""
        client = scope.get("client")
        peer = _address(client[0]) if client else None
        if peer is None:
            return UNKNOWN
        return _household(self._behind(peer, scope) if self._is_trusted(peer) else peer)

    def _behind(self, peer: Address, scope: Scope) -> Address:
        """Walk from the nearest hop outwards, as far as each is trusted: what is farther out, anybody can write."""
        nearest = peer
        for text in _hops(scope["headers"]):
            hop = _address(text)
            if hop is None:
                return nearest
            nearest = hop
            if not self._is_trusted(hop):
                return hop
        return nearest

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _hops(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    lines = [value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"]
    return [each.strip() for each in ",".join(lines).split(",")[: -MOST_HOPS - 1 : -1]] if lines else []


def _address(text: str) -> Address | None:
    """Read an address, with or without a port; one of IPv4 that is written as IPv6 is one of IPv4."""
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        found = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def _household(address: Address) -> str:
    """A provider gives a customer 2^64 addresses of IPv6."""
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((address, 64), strict=False))
