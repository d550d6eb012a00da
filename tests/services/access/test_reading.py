import time

import jwt
import numpy as np
import pytest

from services.access.signing import SigningKeys
from services.access.subjects import NotAdmittedError
from services.access.tokens import Tokens

KEYS = SigningKeys("k1", {"k1": bytes(range(40)), "k2": bytes(range(50, 90))})
LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.="


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(KEYS, minutes=5)


def test_a_token_says_what_was_signed(tokens: Tokens) -> None:
    claims = tokens.read(tokens.issue("ann", mark="m"))

    assert (claims.name, claims.mark) == ("ann", "m")
    assert 290 < claims.expires_at - time.time() <= 300


def test_each_token_has_an_id_of_its_own(tokens: Tokens) -> None:
    assert len({tokens.read(tokens.issue("ann", mark="m")).token_id for _ in range(100)}) == 100


def test_10000_mutated_tokens_are_refused_within_5_milliseconds_each(tokens: Tokens) -> None:
    random, refused = np.random.default_rng(7), 0
    good = tokens.issue("ann", mark="m")
    began = time.process_time()
    for _ in range(10_000):
        text = bytearray(good.encode())
        for _ in range(random.integers(1, 4)):
            text[random.integers(0, len(text) - 1)] = LETTERS[random.integers(0, len(LETTERS))]
        refused += bytes(text) != good.encode() and _is_refused(tokens, text.decode())

    assert refused >= 9_800  # the rest drew the letters that stood there
    assert (time.process_time() - began) / 10_000 < 0.005


def test_a_key_that_is_too_short_signs_nothing() -> None:
    """The settings refuse it before; this is for who builds it from elsewhere."""
    with pytest.raises(jwt.InvalidKeyError, match="32 bytes"):
        Tokens(SigningKeys("k", {"k": b"short"}), minutes=5).issue("ann", mark="m")


def test_another_installations_token_is_refused(tokens: Tokens) -> None:
    other = Tokens(SigningKeys("k1", {"k1": b"another secret of 32 bytes or more"}), minutes=5)

    with pytest.raises(NotAdmittedError):
        tokens.read(other.issue("ann", mark="m"))


def test_a_token_that_would_hold_longer_than_ours_is_refused(tokens: Tokens) -> None:
    longer = Tokens(KEYS, minutes=60)

    with pytest.raises(NotAdmittedError):
        tokens.read(longer.issue("ann", mark="m"))


def _is_refused(tokens: Tokens, text: str) -> bool:
    with pytest.raises(NotAdmittedError):
        tokens.read(text)
    return True
