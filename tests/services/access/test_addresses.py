import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.access.addresses import Addresses

PROXIES = ("10.0.0.0/8", "fd00::/8")


def of(peer: str | None, *forwarded: str, trusted: tuple[str, ...] = PROXIES) -> str:
    headers = [(b"x-forwarded-for", each.encode("latin-1")) for each in forwarded]
    return Addresses(trusted).of({"client": (peer, 4711) if peer else None, "headers": headers})


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("1.2.3.4", (), "1.2.3.4"),
        ("1.2.3.4", ("9.9.9.9",), "1.2.3.4"),
        ("10.0.0.1", ("9.9.9.9",), "9.9.9.9"),
        ("10.0.0.1", ("6.6.6.6, 9.9.9.9",), "9.9.9.9"),
        ("10.0.0.1", ("6.6.6.6", "9.9.9.9"), "9.9.9.9"),
        ("10.0.0.1", ("6.6.6.6, 9.9.9.9, 10.1.1.1",), "9.9.9.9"),
        ("10.0.0.1", ("9.9.9.9:5555",), "9.9.9.9"),
        ("10.0.0.1", ("[2001:db8::1]:5555",), "2001:db8::/64"),
        ("10.0.0.1", ("::ffff:9.9.9.9",), "9.9.9.9"),
        ("10.0.0.1", ("6.6.6.6, nonsense",), "10.0.0.1"),
        ("10.0.0.1", ("",), "10.0.0.1"),
        ("10.0.0.1", ("10.0.0.2",), "10.0.0.2"),
        ("::ffff:10.0.0.1", ("9.9.9.9",), "9.9.9.9"),
        ("fd00::1", ("9.9.9.9",), "9.9.9.9"),
        ("2001:db8::1", (), "2001:db8::/64"),
        ("2001:db8::ffff:1", (), "2001:db8::/64"),
        ("fe80::1%eth0", (), "fe80::/64"),
        ("testclient", (), "unknown"),
        (None, (), "unknown"),
    ],
)
def test_an_address_is_the_nearest_that_no_trusted_proxy_has(
    peer: str | None, forwarded: tuple[str, ...], found: str
) -> None:
    assert of(peer, *forwarded) == found


@hypothesis.settings(max_examples=300, deadline=None)
@given(
    forwarded=st.lists(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=60), max_size=5)
)
def test_who_comes_through_no_proxy_is_counted_by_his_own_address_whatever_he_writes(forwarded: list[str]) -> None:
    assert of("1.2.3.4", *forwarded) == "1.2.3.4"


@hypothesis.settings(max_examples=300, deadline=None)
@given(before=st.lists(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=60), max_size=5))
def test_what_stands_before_the_address_that_the_proxy_saw_changes_nothing(before: list[str]) -> None:
    assert of("10.0.0.1", *before, "9.9.9.9") == "9.9.9.9"
    assert of("10.0.0.1", ",".join([*before, "9.9.9.9"])) == "9.9.9.9"


@given(low=st.integers(0, 2**64 - 1))
def test_all_addresses_of_one_household_are_one(low: int) -> None:
    from ipaddress import IPv6Address

    assert of(str(IPv6Address((0x20010DB8 << 96) + low))) == "2001:db8::/64"
