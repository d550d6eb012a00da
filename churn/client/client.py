"""The client: what one can ask of the doors, as methods."""

import json
import uuid
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from churn.client.answers import Answer, Explanation, Health, JobState, Model, Outcomes, Prediction
from churn.client.doors import Doors
from churn.client.errand import Errand
from churn.client.files import media_type_of, write_whole
from churn.client.job import Job
from churn.client.transport import Patience, Transport

API = "/api/v1"
JSON = {"content-type": "application/json"}
FILE_SECONDS = 600.0
"""Longest silence of a door while it scores a file."""

LONGEST_WAIT_SECONDS = 30.0
"""How long a door waits at most for the end of an activation."""

Kind = TypeVar("Kind", bound=Answer)
Customer = Mapping[str, object]


class Client:
    """Asks one door, or the first of several that is well. Thread safe; close it, or use it in a `with`.

    A prediction carries a key that this client made, so it can be sent again, to another door too, and is stored once.
    """

    def __init__(
        self,
        urls: str | Sequence[str],
        *,
        api_key: str | None = None,
        token: str | None = None,
        timeout_seconds: float = 5.0,
        try_seconds: float = 1.0,
    ) -> None:
        """Prepare for asking; nothing is sent.

        Args:
            urls: of the doors, the preferred first: http://127.0.0.1:3000.
            api_key: made by `churn key add`.
            token: from `sign_in`, or POST /api/v1/token.
            timeout_seconds: longest wait for an answer, with all repeats.
            try_seconds: longest wait for the answer of one door.
        """
        headers = {"x-api-key": api_key} if api_key else {"authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(headers=headers, limits=httpx.Limits(max_connections=None))
        patience = Patience(try_seconds=try_seconds, total_seconds=timeout_seconds)
        self._transport = Transport(Doors([urls] if isinstance(urls, str) else urls), patience, self._http)

    def predict(self, customer: Customer, *, explain: bool | None = None, key: str | None = None) -> Prediction:
        """Predict for one customer.

        Args:
            customer: the contract's columns, as JSON has them.
            explain: False leaves out recommendations and reasons, True adds each column's contribution.
            key: becomes the prediction_id; None: a new one.

        Raises:
            ApiError: a door refused the customer; `problem` names the fields.
            UnreachableError: no door answered in time.
        """
        query = {"explain": None if explain is None else str(explain).lower()}
        return self._post(Prediction, "/predict", customer, key=key or _new_key(), query=query)

    def predict_many(
        self, customers: Iterable[Customer], *, explain: bool | None = False, at_once: int = 4
    ) -> Iterator[Prediction]:
        """Predict for customers one by one, a few at once; yields in their order, and stops at the first refusal.

        For files of any size there is `predict_file`.
        """
        rest = iter(customers)
        with ThreadPoolExecutor(at_once, thread_name_prefix="churn-client") as crew:
            started: deque[Future[Prediction]] = deque()
            try:
                started += (crew.submit(self.predict, each, explain=explain) for each in islice(rest, 2 * at_once))
                while started:
                    yield started.popleft().result()
                    started += (crew.submit(self.predict, each, explain=explain) for each in islice(rest, 1))
            finally:
                crew.shutdown(cancel_futures=True)

    def predict_file(self, path: Path | str, *, out: Path | str, format: str | None = None) -> Path:  # noqa: A002
        """Score a file of customers into another one, a piece at a time.

        It is sent under a key, so that another door may begin anew when one breaks off, and each row is stored once.

        Args:
            path: CSV, JSON, NDJSON or Parquet, by its name.
            out: likewise; is there as a whole, or as it was before.
            format: of `out`, when its name does not say it: csv, json, ndjson, parquet.

        Raises:
            UsageError: a file is of no type that the doors know.
            ApiError: a door refused the file.
            UnreachableError: no door answered, or it broke off.
        """
        source, target = Path(path), Path(out)
        headers = {"accept": media_type_of(target, format), "idempotency-key": _new_key()}
        errand = Errand(
            method="POST", path=f"{API}/batch_predict", is_repeatable=True, headers=headers,
            file=(source, media_type_of(source)), seconds=FILE_SECONDS,
        )  # fmt: skip
        return self._save(errand, target)

    def explain(self, customer: Customer | str) -> Explanation:
        """Say why: of a customer, or of the last prediction for a customer's id."""
        if isinstance(customer, str):
            return self._get(Explanation, "/explain", query={"customer_id": customer})
        return self._post(Explanation, "/explain", customer, key=None, is_repeatable=True)

    def outcomes(self, outcomes: Iterable[Mapping[str, object]]) -> Outcomes:
        """Tell what became of customers: customer_id, churned, observed_at, and prediction_id if known.

        What is sent twice is stored once.
        """
        return self._post(Outcomes, "/outcomes", {"outcomes": list(outcomes)}, key=None, is_repeatable=True)

    def models(self) -> list[Model]:
        """Return the registered versions, the newest first."""
        found = self._send(Errand(method="GET", path=f"{API}/models", is_repeatable=True)).json()
        return [Model.model_validate(each) for each in found["versions"]]

    def model(self, version: int | str) -> Model:
        """Return one registered version."""
        return self._get(Model, f"/models/{version}")

    def activate(self, version: int | str, reason: str, *, wait: bool = True, override: bool = False) -> Job:
        """Put a version into production, if the gate agrees, or in spite of it.

        Raises:
            ApiError: it was refused, with the gate's reasons.
        """
        body = {"reason": reason, "override": override}
        query = {"wait": f"{LONGEST_WAIT_SECONDS:g}" if wait else None}
        job = self._start(f"/models/{version}/activate", body, query=query)
        if wait:
            job.wait()
        return job

    def retrain(self, **parameters: object) -> Job:
        """Train a new version; see docs/jobs.md for the parameters."""
        return self._start("/retrain", parameters)

    def job(self, job_id: str) -> Job:
        """Return a job that was started before."""
        return Job(self, self.job_state(job_id))

    def job_state(self, job_id: str) -> JobState:
        """Return how far a job is."""
        return self._get(JobState, f"/jobs/{job_id}")

    def health(self) -> Health:
        """Return how the door that answers fares."""
        return self._get(Health, "/health")

    def sign_in(self, username: str, password: str) -> None:
        """Fetch a token, and use it from now on."""
        body = {"username": username, "password": password}
        errand = Errand(
            method="POST", path=f"{API}/token", is_repeatable=False, headers=JSON, content=_json(body), seconds=10.0
        )
        self._http.headers["authorization"] = f"Bearer {self._send(errand).json()['access_token']}"

    def save(self, path: str, target: Path) -> Path:
        """Write an answer into a file, as a whole or not at all."""
        return self._save(Errand(method="GET", path=path, is_repeatable=True, seconds=FILE_SECONDS), target)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def _start(self, path: str, body: Mapping[str, object], *, query: Mapping[str, str | None] | None = None) -> Job:
        state = self._post(JobState, path, body, key=_new_key(), query=query or {}, seconds=LONGEST_WAIT_SECONDS + 5)
        return Job(self, state)

    def _get(self, kind: type[Kind], path: str, *, query: Mapping[str, str | None] | None = None) -> Kind:
        errand = Errand(method="GET", path=API + path, is_repeatable=True, query=query or {})
        return kind.model_validate_json(self._send(errand).content)

    def _post(self, kind: type[Kind], path: str, body: Mapping[str, object], *, key: str | None, **more: Any) -> Kind:
        headers = {**JSON, **({"idempotency-key": key} if key else {})}
        more.setdefault("is_repeatable", key is not None)
        errand = Errand(method="POST", path=API + path, headers=headers, content=_json(body), **more)
        return kind.model_validate_json(self._send(errand).content)

    def _send(self, errand: Errand) -> httpx.Response:
        return self._transport.send(errand)

    def _save(self, errand: Errand, target: Path) -> Path:
        self._transport.fetch(errand, lambda answer: write_whole(answer, target))
        return target


def _new_key() -> str:
    return uuid.uuid4().hex


def _json(body: object) -> bytes:
    return json.dumps(body, allow_nan=False).encode()
