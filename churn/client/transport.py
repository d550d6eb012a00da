"""Transport: takes an errand to one door after another until it is answered, or its time is over."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import IO

import httpx

from churn.client.allowance import Allowance
from churn.client.doors import Door, Doors
from churn.client.errand import Errand
from churn.client.journey import BUSY, NOT_SENT, Journey, unreachable
from churn.client.refusals import refusal_of, retry_after_of

AWAY = frozenset({502, 503, 504})
"""Statuses of a door, or of a proxy before it, that another door may do better than."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited: to connect, for one door's answer, and for everything together."""

    connect_seconds: float = 0.2
    try_seconds: float = 1.0
    total_seconds: float = 5.0


class Transport:
    """Sends errands. Thread safe; connections are kept."""

    def __init__(self, doors: Doors, patience: Patience, client: httpx.Client) -> None:
        self._doors = doors
        self._patience = patience
        self._client = client
        self._allowance = Allowance()

    def send(self, errand: Errand) -> httpx.Response:
        """Return the answer, read to its end.

        Raises:
            ApiError: a door refused the request.
            UnreachableError: no door answered in time.
        """
        self._allowance.earn()
        journey = Journey(time.monotonic() + self._patience.total_seconds)
        while True:
            for door in self._doors.worth_trying():
                answer = self._try(door, errand, journey)
                if answer is not None:
                    return answer
                if not self._may_go_on(errand, journey):
                    raise journey.failure(errand)
                if journey.is_busy:
                    break
            journey.rest(errand)

    @contextmanager
    def stream(self, errand: Errand) -> Iterator[httpx.Response]:
        """Send once, to the first door that can be connected to, and leave the answer to be read in pieces.

        Raises:
            ApiError: the door refused the request.
            UnreachableError: no door could be connected to, or it broke off.
        """
        journey = Journey(time.monotonic() + self._patience.total_seconds)
        for door in self._doors.worth_trying():
            try:
                answer = self._sent(door, errand, seconds=errand.seconds or self._patience.total_seconds, stream=True)
            except httpx.TransportError as error:
                door.fail()
                journey.note(door, error)
                if isinstance(error, NOT_SENT):
                    continue
                break
            with _translated(door, errand), closing(answer):
                door.succeed()
                if answer.status_code >= 400:
                    answer.read()
                    raise refusal_of(answer)
                yield answer
                return
        raise journey.failure(errand)

    def _try(self, door: Door, errand: Errand, journey: "Journey") -> httpx.Response | None:
        """Ask one door; None: another one may do better."""
        seconds = min(errand.seconds or self._patience.try_seconds, max(journey.left, 0.001))
        try:
            answer = self._sent(door, errand, seconds=seconds)
        except httpx.TransportError as error:
            door.fail()
            journey.note(door, error)
            return None
        return self._judged(door, answer, journey)

    def _judged(self, door: Door, answer: httpx.Response, journey: "Journey") -> httpx.Response | None:
        if answer.status_code in AWAY:
            door.fail(retry_after_of(answer))
        else:
            door.succeed()
        if answer.status_code in AWAY or (answer.status_code == BUSY and retry_after_of(answer) < journey.left):
            journey.note(door, refusal_of(answer), pause=retry_after_of(answer))
            return None
        if answer.status_code >= 400:
            raise refusal_of(answer)
        return answer

    def _may_go_on(self, errand: Errand, journey: "Journey") -> bool:
        if journey.left <= 0:
            return False
        return journey.is_unsent or journey.is_busy or (errand.is_repeatable and self._allowance.spend())

    def _sent(self, door: Door, errand: Errand, *, seconds: float, stream: bool = False) -> httpx.Response:
        with _form(errand) as form:
            request = self._client.build_request(
                errand.method, door.url + errand.path, content=errand.content, files=form, headers=dict(errand.headers),
                params=errand.parameters or None,
                timeout=httpx.Timeout(seconds, connect=min(self._patience.connect_seconds, seconds)),
            )  # fmt: skip
            return self._client.send(request, stream=stream)


@contextmanager
def _form(errand: Errand) -> Iterator[dict[str, tuple[str, IO[bytes], str]] | None]:
    """Open the errand's file, if it has one."""
    if errand.file is None:
        yield None
        return
    path, media_type = errand.file
    with path.open("rb") as file:
        yield {"file": (path.name, file, media_type)}


@contextmanager
def _translated(door: Door, errand: Errand) -> Iterator[None]:
    try:
        yield
    except httpx.TransportError as error:
        door.fail()
        raise unreachable(door.url, errand, error) from error
