"""Ask an HTTP server of this host, with the standard library alone."""

from __future__ import annotations  # hosts may have Python 3.9

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PATIENCE_SECONDS = 10.0
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""It asks this host itself, whatever proxy the environment names."""


class UnansweredError(Exception):
    """Nobody answered, or not in HTTP."""


@dataclass(frozen=True)
class Answer:
    """What a server answered.

    Attributes:
        headers: by lower-case name.
    """

    url: str
    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def value(self) -> Any:
        """What its JSON says.

        Raises:
            UnansweredError: it is none.
        """
        try:
            return json.loads(self.text)
        except ValueError as error:
            raise UnansweredError(f"{self.url} answered no JSON: {self.words}") from error

    @property
    def words(self) -> str:
        """How the answer begins."""
        return " ".join(self.text.split())[:200]


def ask(
    url: str,
    *,
    body: object = None,
    account: tuple[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = PATIENCE_SECONDS,
) -> Answer:
    """Return whatever is answered, refusals too.

    Args:
        url: with the path.
        body: sent as JSON by POST; None: GET.
        account: name and password of basic authentication.
        headers: more of them.
        seconds: to wait.

    Raises:
        UnansweredError: nobody answers there.
    """
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={**_headers(data, account), **(headers or {})})  # noqa: S310  an address of this host
    try:
        with OPENER.open(request, timeout=seconds) as response:
            return _answer(url, response.status, response)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return _answer(url, refusal.code, refusal)
    except (OSError, ValueError) as error:
        raise UnansweredError(f"{url} does not answer: {getattr(error, 'reason', error)}") from error


def _headers(data: bytes | None, account: tuple[str, str] | None) -> dict[str, str]:
    headers = {"Content-Type": "application/json"} if data is not None else {}
    if account:
        headers["Authorization"] = "Basic " + base64.b64encode(":".join(account).encode()).decode()
    return headers


def _answer(url: str, status: int, response: Any) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(url, status, response.read().decode("utf-8", "replace"), headers)
