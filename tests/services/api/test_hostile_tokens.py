"""Tokens that an attacker would try: each is refused, and each refusal looks the same."""

import base64
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from churn.stores.users import UserStore
from services.access.signing import signing_keys
from tests.services.people import access_settings, bearer, desk_of, guarded, open_store, token_of

ADMIN = "/api/v1/retrain"


@dataclass
class Mint:
    """Makes tokens as they should be, and as they should not."""

    kid: str
    secret: bytes
    mark: str
    valid: str
    client: TestClient

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        good = {
            "sub": "admin", "mark": self.mark, "aud": "holdfast-doors", "iss": "holdfast", "jti": "1" * 32,
            "iat": now, "exp": now + 600,
        }  # fmt: skip
        return {name: value for name, value in {**good, **changes}.items() if value is not ...}

    def sign(
        self, header: Any = None, claims: Any = None, *, secret: bytes | None = None, digest: str = "sha256"
    ) -> str:
        header = {"alg": "HS256", "typ": "JWT", "kid": self.kid} if header is None else header
        signed = f"{_part(header)}.{_part(self.claims() if claims is None else claims)}"
        return f"{signed}.{_b64(hmac.new(secret or self.secret, signed.encode(), digest).digest())}"

    def header(self, **changes: Any) -> dict[str, Any]:
        good = {"alg": "HS256", "typ": "JWT", "kid": self.kid}
        return {name: value for name, value in {**good, **changes}.items() if value is not ...}

    def refusal(self, headers: Any) -> tuple[int, str, str]:
        answer = self.client.post(ADMIN, headers=headers)
        problem = answer.json()
        assert set(problem) == {"type", "title", "status", "detail", "errors", "request_id"}
        return answer.status_code, problem["detail"], answer.headers["www-authenticate"]


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _part(content: Any) -> str:
    return _b64(content if isinstance(content, bytes) else json.dumps(content).encode())


@pytest.fixture(scope="module")
def mint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mint]:
    settings = access_settings(tmp_path_factory.mktemp("home"))
    engine = open_store(settings)
    keys = signing_keys(settings)
    admin = UserStore(engine).find("admin")
    assert admin is not None
    desk = desk_of(settings)
    with TestClient(guarded(desk)) as client:
        valid = token_of(settings, engine, "admin")
        yield Mint(keys.newest, keys.by_id[keys.newest], admin.tokens_from, valid, client)
    engine.dispose()
    desk.stores.close()


def test_what_the_others_are_derived_from_is_let_through(mint: Mint) -> None:
    """Else they might be refused for another reason than the one that is tried."""
    assert mint.client.post(ADMIN, headers=bearer(mint.valid)).status_code == 200
    assert mint.client.post(ADMIN, headers=bearer(mint.sign())).status_code == 200
    for scheme in ("bearer", "BEARER", "bEaReR"):
        assert mint.client.post(ADMIN, headers={"authorization": f"{scheme} {mint.valid}"}).status_code == 200


def _algorithms(mint: Mint) -> Iterator[str]:
    unsigned = f"{_part(mint.header(alg='none'))}.{_part(mint.claims())}."
    yield from (unsigned, unsigned.rstrip("."), unsigned + mint.valid.split(".")[2])
    for name in (
        "None",
        "NONE",
        "nOnE",
        "",
        "HS384",
        "HS512",
        "RS256",
        "ES256",
        "EdDSA",
        "hs256",
        "HS256 ",
        None,
        1,
        [],
    ):
        yield mint.sign(mint.header(alg=name))
    yield mint.sign(mint.header(alg="HS512"), digest="sha512")
    yield mint.sign(mint.header(alg=...))


def _keys(mint: Mint) -> Iterator[str]:
    for secret in (b"secret", b"x" * 32, mint.kid.encode(), mint.secret[:-1], mint.secret + b"\n", b"\0"):
        yield mint.sign(secret=secret)
    public = b"-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n"
    yield mint.sign(secret=public)
    for kid in (
        "",
        "0",
        "../../../dev/null",
        "/dev/null",
        "' or '1'='1",
        "x' UNION SELECT 'x",
        "a" * 3000,
        None,
        0,
        {},
        [],
    ):
        yield mint.sign(mint.header(kid=kid), secret=b"x" * 32)
        yield mint.sign(mint.header(kid=kid))
    yield mint.sign(mint.header(kid=...))


def _headers(mint: Mint) -> Iterator[str]:
    extra = {
        "crit": ["exp"], "jku": "https://evil.invalid/keys", "x5u": "https://evil.invalid/x", "b64": False,
        "jwk": {"kty": "oct", "k": _b64(b"x" * 32)}, "x5c": ["AAAA"], "zip": "DEF", "cty": "JWT", "typ2": "x",
    }  # fmt: skip
    for name, value in extra.items():
        yield mint.sign(mint.header(**{name: value}))
    yield from (mint.sign(each) for each in ([], "x", 1, b"{", b"\xff\xfe", b'{"alg":"HS256"' + b"[" * 500))


def _claims(mint: Mint) -> Iterator[str]:
    now = int(time.time())
    for name in ("exp", "iat", "sub", "aud", "iss", "jti", "mark"):
        yield mint.sign(claims=mint.claims(**{name: ...}))
        for value in (None, "", 1.5, {}, [], True, "x" * 80):
            yield mint.sign(claims=mint.claims(**{name: value}))
    changes: list[dict[str, Any]] = [
        {"exp": now - 11}, {"exp": 0}, {"exp": -1}, {"exp": now + 10**9}, {"exp": 10**400}, {"exp": "tomorrow"},
        {"exp": str(now + 60)}, {"exp": float(now + 60)}, {"iat": now + 60, "exp": now + 120}, {"nbf": now + 60},
        {"nbf": "x"}, {"iat": now - 86_400}, {"aud": "other"}, {"aud": ["holdfast-doors"]}, {"iss": "Holdfast"},
        {"iss": ["holdfast"]}, {"sub": "nobody"}, {"sub": "ADMIN"}, {"sub": "admin\x00"}, {"sub": "admin'--"},
        {"sub": ["admin"]}, {"mark": "2020-01-01T00:00:00.000Z"}, {"mark": mint.mark + " "},
    ]  # fmt: skip
    yield from (mint.sign(claims=mint.claims(**each)) for each in changes)
    yield from (mint.sign(claims=each) for each in ([], "x", 1, b"{", b"\xff", b"[" * 2000, b'{"exp":NaN}'))


def _texts(mint: Mint) -> Iterator[str]:
    head, body, signature = mint.valid.split(".")
    yield from ("", " ", ".", "..", "...", "null", "undefined", "x.y.z", head, f"{head}.{body}", f"{head}.{body}.")
    yield from (
        f"{mint.valid}.{signature}",
        f"{head}..{signature}",
        f".{body}.{signature}",
        f"{body}.{head}.{signature}",
    )
    yield from (mint.valid + "x", mint.valid[:-2], mint.valid.upper(), mint.valid + " " + mint.valid, f'"{mint.valid}"')
    yield from ("A" * 5000, mint.valid + "=" * 3900, mint.valid + "\x7f", f"hf_{mint.valid}", "é", mint.valid + "%00")


KINDS = {"algorithm": _algorithms, "key": _keys, "header": _headers, "claims": _claims, "text": _texts}


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_token_is_refused_as_any_other(mint: Mint, kind: str) -> None:
    tokens = list(KINDS[kind](mint))
    began = time.process_time()

    found = {token: mint.refusal(_raw(token)) for token in tokens}

    assert {token: each for token, each in found.items() if each[0] != 401} == {}
    assert len(set(found.values())) == 1
    assert (time.process_time() - began) / len(tokens) < 0.02


def test_there_are_enough_of_them(mint: Mint) -> None:
    assert sum(len(set(kind(mint))) for kind in KINDS.values()) >= 150


@pytest.mark.parametrize(
    "value",
    [
        "Basic YWRtaW46YWRtaW4=",
        "Digest x",
        "Token {0}",
        "{0}",
        "Bearer",
        "Bearer\t{0}",
        "Bearer {0}, Bearer {0}",
        "JWT {0}",
    ],
)
def test_another_scheme_is_refused_as_any_other(mint: Mint, value: str) -> None:
    assert mint.refusal({"authorization": value.format(mint.valid)}) == mint.refusal(bearer("nonsense"))


def test_a_token_in_the_place_of_a_key_and_in_the_address_is_none(mint: Mint) -> None:
    assert mint.refusal({"x-api-key": mint.valid}) == mint.refusal(bearer("nonsense"))
    answer = mint.client.post(f"{ADMIN}?access_token={mint.valid}", headers={"cookie": f"access_token={mint.valid}"})
    assert answer.status_code == 401


@hypothesis.settings(
    max_examples=500, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
@given(
    at=st.integers(0, 10_000),
    kind=st.sampled_from(["replace", "insert", "delete", "swap"]),
    letter=st.sampled_from("ABCxyz019-_.=+/ \x00"),
)
def test_a_mutated_token_is_refused(mint: Mint, at: int, kind: str, letter: str) -> None:
    text = mint.valid
    place = at % len(text)
    mutated = {
        "replace": text[:place] + letter + text[place + 1 :],
        "insert": text[:place] + letter + text[place:],
        "delete": text[:place] + text[place + 1 :],
        "swap": text[:place] + text[place : place + 2][::-1] + text[place + 2 :],
    }[kind]
    hypothesis.assume(mutated.strip(" ") != text and not _is_equal(mutated, text))

    assert mint.refusal(_raw(mutated)) == mint.refusal(bearer("nonsense"))


def _raw(token: str) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", b"Bearer " + token.encode("utf-8"))]


def _is_equal(mutated: str, text: str) -> bool:
    """The last letter of a base64 signature holds two bits that say nothing."""
    parts, whole = mutated.split("."), text.split(".")
    padded = [each + "=" * (-len(each) % 4) for each in (parts[-1], whole[-1])]
    try:
        return parts[:-1] == whole[:-1] and len({base64.urlsafe_b64decode(each) for each in padded}) == 1
    except ValueError:
        return False
