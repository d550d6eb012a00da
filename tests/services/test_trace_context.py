import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trace_context import TraceContext, parse_traceparent, trace_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("header", "is_sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-ff", True),
        (f"01-{TRACE}-{SPAN}-01", True),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", True),
    ],
)
def test_a_proper_header_is_read(header: str, is_sampled: bool) -> None:
    assert parse_traceparent(header.encode()) == TraceContext(TRACE, SPAN, is_sampled=is_sampled)


@pytest.mark.parametrize(
    "header",
    [
        "",
        TRACE,
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01\n",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}",
        f"cc-{TRACE}-{SPAN}-01.more",
        f"00-{TRACE[:-1]}g-{SPAN}-01",
    ],
)
def test_any_other_header_is_none(header: str) -> None:
    assert parse_traceparent(header.encode()) is None


@given(st.binary(max_size=80))
def test_no_header_breaks_the_reader(header: bytes) -> None:
    found = parse_traceparent(header)

    assert found is None or header.startswith((b"0", b"1", *(b"%x" % digit for digit in range(2, 16))))


def scope_of(*headers: bytes) -> dict[str, object]:
    return {"headers": [(b"traceparent", header) for header in headers]}


def test_a_request_stands_beneath_its_caller_with_a_span_of_its_own_that_stays() -> None:
    scope = scope_of(f"00-{TRACE}-{SPAN}-01".encode())
    place = trace_of(scope)

    assert (place.trace_id, place.parent_id, place.is_sampled) == (TRACE, SPAN, True)
    assert place.span_id != SPAN
    assert trace_of(scope) is place


@pytest.mark.parametrize("sent", [(), (b"nonsense",), (f"00-{TRACE}-{SPAN}-01".encode(),) * 2])
def test_a_request_without_one_proper_header_begins_a_trace(sent: tuple[bytes, ...]) -> None:
    place = trace_of(scope_of(*sent))

    assert place.parent_id is None
    assert place.trace_id != TRACE
    assert (len(place.trace_id), len(place.span_id)) == (32, 16)
