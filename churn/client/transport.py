"""Transport: takes an errand to one door after another until it is answered, or its time is over."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import IO

import httpx

from churn.client.allowance import Allowance
from churn.client.doors import Door, Doors
from churn.client.errand import Errand
from churn.client.journey import BUSY, Journey
from churn.client.refusals import refusal_of, retry_after_of

AWAY = frozenset({502, 503, 504})
"""Statuses of a door, or of a proxy before it, that another door may do better than."""


SILENCE_SECONDS = 60.0


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

    def fetch(self, errand: Errand, read: Callable[[httpx.Response], None]) -> None:
        """Have an answer read in pieces; each door is asked once, and a repeatable errand survives one that breaks off.

        Args:
            errand: its `seconds` are the longest silence.
            read: reads the answer; it begins anew at the next door.

        Raises:
            ApiError: a door refused the request.
            UnreachableError: no door answered to the end.
        """
        journey = Journey(math.inf)
        for door in self._doors.worth_trying():
            if self._is_fetched(door, errand, journey, read):
                return
            if journey.is_busy or not self._may_go_on(errand, journey):
                break
        raise journey.failure(errand)

    def _is_fetched(self, door: Door, errand: Errand, journey: Journey, read: Callable[[httpx.Response], None]) -> bool:
        seconds = errand.seconds or SILENCE_SECONDS
        try:
            with closing(self._sent(door, errand, seconds=seconds, stream=True)) as answer:
                if answer.status_code >= 400:
                    answer.read()
                if self._judged(door, answer, journey) is None:
                    return False
                read(answer)
        except httpx.TransportError as error:
            door.fail()
            journey.note(door, error)
            return False
        return True

    def _try(self, door: Door, errand: Errand, journey: Journey) -> httpx.Response | None:
        """Ask one door; None: another one may do better."""
        seconds = min(errand.seconds or self._patience.try_seconds, max(journey.left, 0.001))
        try:
            answer = self._sent(door, errand, seconds=seconds)
        except httpx.TransportError as error:
            door.fail()
            journey.note(door, error)
            return None
        return self._judged(door, answer, journey)

    def _judged(self, door: Door, answer: httpx.Response, journey: Journey) -> httpx.Response | None:
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

    def _may_go_on(self, errand: Errand, journey: Journey) -> bool:
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
