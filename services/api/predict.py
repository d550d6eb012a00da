"""One customer: validate, score, record, answer."""

import re
from collections.abc import Mapping
from functools import partial

import orjson
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from churn.contract.phrases import Value
from churn.contract.request import CustomerRequest
from churn.errors import ContractError
from churn.scoring.reasons import Effect
from churn.scoring.scorer import RiskLevel
from services.api.asking import explain_parameter, wants_explanation
from services.api.endpoint import Document, Endpoint, ref, responses
from services.api.recording import count_inputs, inputs_of, new_prediction_id, record
from services.live import Served
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


class PredictionAnswer(BaseModel):
    """What is predicted for one customer."""

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
    explanation: ExplanationOut | None = Field(default=None, description="With explain=true.")
    explanation_note: str | None = Field(default=None, description="Why there is no explanation, though asked for.")


class Predict:
    """The endpoint, an ASGI application of its own: the front reaches it without the layers of the framework.

    It takes a raw body, because the contract may change with a promotion.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        served = self._worker.live.require()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        require_type(headers, "application/json")
        key = idempotency_key(headers)
        is_explained = wants_explanation(scope["query_string"])
        customer = served.scorer.form.read(await _read_body(receive))
        reasons = explanation_of(served, customer) if is_explained else {}
        content = orjson.dumps({**self._predict(served, customer, key), **reasons})
        length = (b"content-length", b"%d" % len(content))
        await send({"type": "http.response.start", "status": 200, "headers": [*served.json_headers, length]})
        await send({"type": "http.response.body", "body": content})

    def _predict(self, served: Served, customer: CustomerRequest, key: str | None) -> dict[str, object]:
        scorer = served.scorer
        prediction_id = key or new_prediction_id()
        customer_id = customer.customer_id or f"generated-{prediction_id[:32]}"
        if len(customer_id) > LONGEST_CUSTOMER_ID:
            raise ContractError(f"the customer id is longer than {LONGEST_CUSTOMER_ID} characters")
        probability, decision = scorer.score_one(customer.row)
        standing = scorer.standings.of_row(customer.row, probability)
        is_recorded, moment = record(
            self._worker, served, (prediction_id, customer_id),
            inputs=inputs_of(customer), probability=probability, decision=decision,
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
        }


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
            explain_parameter("true: with what each column adds to the risk, and the strongest reasons in words."),
        ],
        "requestBody": {"required": True, "content": {"application/json": customer}},
        "responses": responses(ref(PredictionAnswer), 400, 413, 415, 422, 503),
    }  # fmt: skip


def explanation_of(served: Served, customer: CustomerRequest) -> dict[str, object]:
    """Return what an answer holds for who asks for reasons."""
    scorer = served.scorer
    if scorer.explainer is None:
        return {"explanation": None, "explanation_note": scorer.explanation_note}
    return {"explanation": scorer.explain_row(customer.row)}


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
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise HTTPException(415, "send the body without Content-Encoding", headers={"accept-encoding": "identity"})


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
