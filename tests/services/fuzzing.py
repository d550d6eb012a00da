"""Requests that no client should send: mutated customers, raw bytes, strange tables, paths, methods and headers."""

import json
import string
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

NASTY_TEXTS = [
    "",
    " ",
    "\x00",
    "\ud7ff",
    "\u202e",
    "'; DROP TABLE predictions; --",
    "../../etc/passwd",
    "{{7*7}}",
    "NaN",
    "é" * 300,
]
NASTY_NUMBERS = [0, -1, 1.5, 1e308, -1e308, 1e39, 2**63, 10**400, -0.0]
PATHS = [
    "/predict",
    "/predict?explain=true",
    "/predict?explain=maybe",
    "/predict/batch",
    "/predict/batch?explain=true",
    "/api/v1/predict",
    "/api/v1/health",
    "/livez",
    "/readyz",
    "/metrics",
    "/docs",
    "/openapi.json",
    "/",
]
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"]
TYPES = [
    "application/json",
    "application/json; charset=utf-16",
    "text/plain",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "",
]

values = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(NASTY_TEXTS),
    st.sampled_from(NASTY_NUMBERS),
    st.text(max_size=30),
    st.floats(),
    st.integers(),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)


@dataclass(frozen=True)
class Sent:
    """One request."""

    method: str
    path: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    operation: str = ""
    """Which documented one it was made for."""


def customers(example: dict[str, Any]) -> st.SearchStrategy[Sent]:
    """The contract's example with some fields changed, removed or added."""
    names = st.sampled_from([*example, "customerID", "Churn", "unknown"])

    def mutate(changes: dict[str, Any], removed: set[str]) -> bytes:
        return json.dumps(
            {name: value for name, value in {**example, **changes}.items() if name not in removed}
        ).encode()

    bodies = st.builds(mutate, st.dictionaries(names, values, max_size=4), st.sets(names, max_size=2))
    return bodies.map(lambda body: Sent("POST", "/predict", body, {"content-type": "application/json"}))


def damaged(example: dict[str, Any]) -> st.SearchStrategy[Sent]:
    """The example's bytes, cut or overwritten."""
    good = json.dumps(example).encode()

    def damage(at: int, what: bytes) -> bytes:
        return good[: at % len(good)] + what + good[at % len(good) + len(what) :]

    bodies = st.one_of(st.binary(max_size=200), st.builds(damage, st.integers(0, 10_000), st.binary(max_size=8)))
    return bodies.map(lambda body: Sent("POST", "/predict", body, {"content-type": "application/json"}))


def tables(example: dict[str, Any]) -> st.SearchStrategy[Sent]:
    """A CSV of strange cells, sound or damaged, in a form."""
    cells = st.one_of(st.sampled_from([*NASTY_TEXTS, *map(str, NASTY_NUMBERS), '"', ";", "\t"]), st.text(max_size=8))
    header = st.lists(st.sampled_from([*example, "customerID", "Churn", ""]), min_size=1, max_size=24)
    rows = st.lists(st.lists(cells, max_size=24), max_size=4)

    def table(names: list[str], lines: list[list[str]], tail: bytes) -> Sent:
        csv = "\n".join(",".join(line) for line in [names, *lines]).encode("utf-8", "surrogatepass") + tail
        head = b'--fuzz\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        kind = {"content-type": "multipart/form-data; boundary=fuzz"}
        return Sent("POST", "/predict/batch", head + csv + b"\r\n--fuzz--\r\n", kind)

    return st.builds(
        table, st.one_of(header, st.just(list(example))), rows, st.sampled_from([b"", b"\xff", b"\r\n--fuz"])
    )


def strange() -> st.SearchStrategy[Sent]:
    """Any method, path, type and headers."""
    letters = st.text(string.ascii_letters + string.digits + "%/._-~", max_size=20)
    headers = st.fixed_dictionaries(
        {"content-type": st.sampled_from(TYPES)},
        optional={
            name: st.text(string.printable.strip(), max_size=70)
            for name in ("idempotency-key", "x-request-id", "content-encoding", "accept")
        },
    )
    paths = st.one_of(st.sampled_from(PATHS), letters.map("/{}".format))
    return st.builds(Sent, st.sampled_from(METHODS), paths, st.binary(max_size=60), headers)


def requests(example: dict[str, Any]) -> st.SearchStrategy[Sent]:
    """All kinds."""
    return st.one_of(customers(example), damaged(example), tables(example), strange())
