"""A witness: asks one door, and says in words what was wrong with an answer."""

from collections.abc import Mapping
from typing import Any, Self

import httpx

WAIT_SECONDS = 10.0
MOST_LETTERS = 200
KEY_HEADER = "x-api-key"

Members = Mapping[str, Any]


class WrongError(Exception):
    """An answer was not what every release must answer; never leaves this package."""


class Witness:
    """Asks one door.

    Args:
        url: of the door.
        api_key: where prediction needs one.
    """

    def __init__(self, url: str, *, api_key: str | None = None) -> None:
        self._client = httpx.Client(base_url=url.rstrip("/"), headers=headers_of(api_key), timeout=WAIT_SECONDS)
        self._document: Members | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str) -> httpx.Response:
        """Ask, and make sure that the answer is 200."""
        return require(self._client.get(path), 200)

    def post(self, path: str, *, status: int = 200, **content: Any) -> httpx.Response:
        """Send, and make sure that the answer has the status."""
        return require(self._client.post(path, **content), status)

    def document(self) -> Members:
        """Return the door's OpenAPI document; it is asked for once."""
        if self._document is None:
            self._document = members(self.get("/openapi.json"))
        return self._document

    def customer(self) -> dict[str, Any]:
        """Return the example of a customer that the served version's contract gives."""
        try:
            content = self.document()["paths"]["/api/v1/predict"]["post"]["requestBody"]["content"]
            return dict(content["application/json"]["example"])
        except (KeyError, TypeError) as error:
            raise WrongError("the OpenAPI document has no example of a customer: is a model served?") from error

    def required(self) -> frozenset[str]:
        """Return the columns that a customer can't be scored without."""
        return frozenset(self.document()["components"]["schemas"]["Customer"].get("required", ()))


def headers_of(api_key: str | None) -> dict[str, str]:
    """Return what is sent with each request."""
    return {KEY_HEADER: api_key} if api_key else {}


def require(answer: httpx.Response, status: int) -> httpx.Response:
    """Return the answer when it has the status.

    Raises:
        WrongError: it has another.
    """
    if answer.status_code != status:
        words = " ".join(answer.text.split())[:MOST_LETTERS]
        raise WrongError(f"{answer.request.url.path} answered {answer.status_code}, not {status}: {words}")
    return answer


def members(answer: httpx.Response) -> Members:
    """Return an answer's JSON object.

    Raises:
        WrongError: it is none.
    """
    try:
        found = answer.json()
    except ValueError as error:
        raise WrongError(f"{answer.request.url.path} answered no JSON") from error
    if not isinstance(found, dict):
        raise WrongError(f"{answer.request.url.path} answered {type(found).__name__}, not an object")
    return found
