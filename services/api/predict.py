"""One customer: validate, score, record, answer."""

import re
from collections.abc import Awaitable, Mapping
from functools import partial

import orjson
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from churn.contract.phrases import Value
from churn.contract.request import CustomerRequest, Row
from churn.errors import ContractError
from churn.retention.offers import NOBODY
from churn.scoring.reasons import Effect
from churn.scoring.scorer import RiskLevel
from services.api.asking import Depth, depth_of, explain_parameter
from services.api.body import require_plain
from services.api.endpoint import Document, Endpoint, ref, responses
from services.api.recording import count_inputs, inputs_of, new_prediction_id, record
from services.served import Canary, Served
from services.together import Found, Together
from services.worker import Worker

IDEMPOTENCY_KEY = re.compile(r"^[A-Za-z0-9._:-]{8,64}\Z")
LONGEST_CUSTOMER_ID = 255
"""That of the column in the SQL store."""


class ReasonOut(BaseModel):
    """A column that matters for this customer."""

    column: str
    value: Value
    effect: Effect
    log_odds: float
    words: str


class ExplanationOut(BaseModel):
    """What each column adds to the log-odds of leaving: with the base they add up to log(p / (1 - p))."""

    base_log_odds: float
    contributions: dict[str, float]
    top_reasons: list[ReasonOut]


class RiskFactorOut(BaseModel):
    """A column that matters for this customer."""

    feature: str
    impact: float = Field(description="What it adds to the log-odds of leaving; below 0 it lowers the risk.")
    value: Value
    words: str


class ActionOut(BaseModel):
    """An offer that fits this customer; money in the contract's currency."""

    offer: str
    title: str
    expected_profit: float
    cost: float


class PredictionAnswer(BaseModel):
    """What is predicted for one customer, what is at stake, what to do and why. Without the last two: explain=false."""

    churn_probability: float
    churn_prediction: int
    risk_level: RiskLevel
    threshold: float
    customer_id: str
    prediction_id: str
    model_version: str
    served_by: str
    recorded: bool
    missing_columns: list[str]
    timestamp: str
    segment: str | None = Field(description="Name of the customer's segment; null: the version has no segments.")
    expected_profit: float | None = Field(
        description="Of contacting this customer, in the contract's currency; null: the contract has no economics."
    )
    expected_loss: float | None = Field(description="Revenue at risk: probability times worth; null as above.")
    currency: str | None
    priority_score: float = Field(description="Whom to call first, 0 to 100: the percentage of customers below.")
    recommendations: list[str] = Field(default=[], description="What to do, best first; or why nothing pays.")
    actions: list[ActionOut] = Field(default=[], description="The offers behind the recommendations.")
    top_risk_factors: list[RiskFactorOut] = Field(default=[], description="At most three, strongest first.")
    explanation: ExplanationOut | None = Field(default=None, description="With explain=true.")
    explanation_note: str | None = Field(default=None, description="Why there are no reasons.")


class Predict:
    """The endpoint, an ASGI application of its own: the front reaches it without the layers of the framework.

    It takes a raw body, because the contract may change with a promotion.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._together = Together()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        served = self._worker.live.require()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        require_type(headers, "application/json")
        key = idempotency_key(headers)
        depth = depth_of(scope["query_string"])
        customer = served.scorer.form.read(await _read_body(receive))
        _require_short(customer.customer_id)
        answer, canary = None, served.canary
        if canary is not None and canary.has(customer):
            answer = await self._of_canary(canary, customer, key=key, depth=depth)
        answering = served if answer is None or canary is None else canary.served
        if answer is None:
            answer = await self._of_production(served, customer, key=key, depth=depth)
        content = orjson.dumps(answer)
        length = (b"content-length", b"%d" % len(content))
        await send({"type": "http.response.start", "status": 200, "headers": [*answering.json_headers, length]})
        await send({"type": "http.response.body", "body": content})

    async def _of_canary(
        self, canary: Canary, customer: CustomerRequest, *, key: str | None, depth: Depth
    ) -> dict[str, object] | None:
        """Return the canary's answer, recorded; None when it fails, whatever of, and production is to answer."""
        try:
            read = canary.read(customer)
            found = await self._ask(canary.served, read, depth)
            return self._predict(canary.served, read, found, key=key, depth=depth)
        except Exception as error:  # noqa: BLE001  no customer may ever see what a canary does wrong
            canary.fall_back(1, type(error).__name__)
            return None

    async def _of_production(
        self, served: Served, customer: CustomerRequest, *, key: str | None, depth: Depth
    ) -> dict[str, object]:
        try:
            found = await self._ask(served, customer, depth)
            return self._predict(served, customer, found, key=key, depth=depth)
        except Exception:
            served.meters.fail()
            raise

    def _ask(self, served: Served, customer: CustomerRequest, depth: Depth) -> Awaitable[Found]:
        note = served.meters.note_seconds
        return self._together.ask(served.scorer, customer.row, wants_reasons=depth != "lean", note_seconds=note)

    def _predict(
        self, served: Served, customer: CustomerRequest, found: Found, *, key: str | None, depth: Depth
    ) -> dict[str, object]:
        scorer = served.scorer
        prediction_id = key or new_prediction_id()
        customer_id = customer.customer_id or f"generated-{prediction_id[:32]}"
        probability, _ = found
        decision = scorer.decide(probability)
        standing = scorer.standings.of_row(customer.row, probability)
        why = {} if depth == "lean" else why_of(served, customer.row, found, is_whole=depth == "explained")
        is_recorded, moment = record(
            self._worker, served, (prediction_id, customer_id),
            inputs=inputs_of(customer), probability=probability, decision=decision, standing=standing,
        )  # fmt: skip
        count_inputs(customer)
        return {
            "churn_probability": probability,
            "churn_prediction": decision.churn_prediction,
            "risk_level": decision.risk_level,
            "threshold": scorer.threshold,
            "customer_id": customer_id,
            "prediction_id": prediction_id,
            "model_version": str(scorer.version),
            "served_by": self._worker.door,
            "recorded": is_recorded,
            "missing_columns": customer.missing,
            "timestamp": moment,
            "segment": standing.segment,
            "expected_profit": standing.expected_profit,
            "expected_loss": standing.expected_loss,
            "currency": scorer.currency,
            "priority_score": standing.priority_score,
            **why,
        }


def _require_short(customer_id: str | None) -> None:
    if customer_id is not None and len(customer_id) > LONGEST_CUSTOMER_ID:
        raise ContractError(f"the customer id is longer than {LONGEST_CUSTOMER_ID} characters")


def predict_endpoints(worker: Worker) -> tuple[Endpoint, ...]:
    """Return the routes of one customer."""
    predict = Predict(worker)
    return tuple(
        Endpoint(
            method="POST", path=path, answer=predict, is_hot=True, models=(PredictionAnswer,),
            describe=partial(_describe, name),
        )
        for path, name in (("/predict", "predict"), ("/api/v1/predict", "predict_v1"))
    )  # fmt: skip


def _describe(name: str, served: Served | None) -> Document:
    example = {"example": dict(served.scorer.contract.example)} if served else {}
    customer = {"schema": {"$ref": "#/components/schemas/Customer"}, **example}
    return {
        "operationId": name,
        "summary": "Predict for one customer",
        "tags": ["predict"],
        "parameters": [
            {
                "name": "Idempotency-Key", "in": "header", "required": False,
                "description": "Becomes the prediction_id: a prediction sent twice with it is stored once.",
                "schema": {"type": "string", "pattern": IDEMPOTENCY_KEY.pattern.replace("\\Z", "$")},
            },
            explain_parameter(
                "Absent: with what to do and the strongest reasons; true: also with what each column adds to the risk; "
                "false: neither, and quicker.",
                default=None,
            ),
        ],
        "requestBody": {"required": True, "content": {"application/json": customer}},
        "responses": responses(ref(PredictionAnswer), 400, 413, 415, 422, 503),
    }  # fmt: skip


def why_of(served: Served, row: Row, found: Found, *, is_whole: bool) -> dict[str, object]:
    """Return what an answer holds for who asks what to do, and why; and count the offers in it.

    Args:
        served: the version that answers.
        row: graph-ready.
        found: its probability and reasons.
        is_whole: with the explanation itself.
    """
    scorer, (probability, explanation) = served.scorer, found
    advice = scorer.offers.of_row(row, probability, explanation.raising if explanation else NOBODY)
    served.meters.recommend(advice.actions)
    why: dict[str, object] = {
        "recommendations": advice.recommendations,
        "actions": advice.actions,
        "top_risk_factors": explanation.factors if explanation else [],
    }
    if is_whole:
        why["explanation"] = explanation
    if explanation is None:
        why["explanation_note"] = scorer.explanation_note
    return why


async def _read_body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def require_type(headers: Mapping[bytes, bytes], media_type: str) -> None:
    """Refuse another content type, and any content encoding; a request without a type is read as the right one.

    Raises:
        HTTPException: 415.
    """
    found = headers.get(b"content-type", media_type.encode()).partition(b";")[0].strip().lower()
    if found != media_type.encode():
        raise HTTPException(415, f"send Content-Type: {media_type}")
    require_plain(headers)


def idempotency_key(headers: Mapping[bytes, bytes]) -> str | None:
    """Return the client's key; a prediction with a key that was used before is stored once.

    Raises:
        HTTPException: 400, the key can't be one.
    """
    sent = headers.get(b"idempotency-key")
    key = None if sent is None else sent.decode("latin-1")
    if key is not None and not IDEMPOTENCY_KEY.match(key):
        raise HTTPException(400, "Idempotency-Key must be 8 to 64 of the characters A-Z a-z 0-9 . _ : -")
    return key
