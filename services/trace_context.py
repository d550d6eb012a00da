"""Where a request stands in a trace: W3C `traceparent`, read strictly."""

import os
import re
from dataclasses import dataclass

from starlette.types import Scope

FORM = re.compile(rb"^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z", re.DOTALL)
SCOPE_KEY = "churn_trace"


@dataclass(frozen=True, slots=True)
class TraceContext:
    """One request's place in a trace.

    Attributes:
        trace_id: 32 hexadecimal digits, the same in all parts of a trace.
        span_id: 16 hexadecimal digits, of this request at this door.
        parent_id: who called; None: nobody who said so properly.
        is_sampled: the caller records this trace.
    """

    trace_id: str
    span_id: str
    parent_id: str | None = None
    is_sampled: bool = False


def trace_of(scope: Scope) -> TraceContext:
    """Return a request's place: beneath the caller's when the header says so, else at the start of a new trace."""
    known: TraceContext | None = scope.get(SCOPE_KEY)
    if known is None:
        known = scope[SCOPE_KEY] = _place(scope)
    return known


def _place(scope: Scope) -> TraceContext:
    sent = [value for name, value in scope["headers"] if name == b"traceparent"]
    parent = parse_traceparent(sent[0]) if len(sent) == 1 else None
    span_id = os.urandom(8).hex()
    if parent is None:
        return TraceContext(os.urandom(16).hex(), span_id)
    return TraceContext(parent.trace_id, span_id, parent.span_id, parent.is_sampled)


def parse_traceparent(header: bytes) -> TraceContext | None:
    """Read a header; None when it does not hold: then a new trace is begun.

    Version 00 has four fields and nothing after them; a later version may have more; version ff is none.
    """
    found = FORM.match(header)
    if found is None or found[1] == b"ff" or (found[1] == b"00" and found[5] is not None):
        return None
    trace_id, span_id = found[2].decode(), found[3].decode()
    if not int(trace_id, 16) or not int(span_id, 16):
        return None
    return TraceContext(trace_id, span_id, is_sampled=bool(int(found[4], 16) & 1))
