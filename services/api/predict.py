"""One customer: validate, score, record, answer."""

import re

import orjson
from fastapi import Request, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from churn.contract.request import CustomerRequest
from churn.errors import ContractError
from churn.scoring.scorer import RiskLevel
from services.api.recording import count_inputs, inputs_of, new_prediction_id, record
from services.live import Served
from services.worker import Worker

IDEMPOTENCY_KEY = re.compile(r"^[A-Za-z0-9._:-]{8,64}$")
LONGEST_CUSTOMER_ID = 255
"""That of the column in the SQL store."""


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


class Predict:
    """The endpoint: a raw body in, because the contract may change with a promotion."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        served = self._worker.live.require()
        require_type(request, "application/json")
        key = idempotency_key(request)
        customer = served.scorer.form.read(await request.body())
        answer = self._predict(served, customer, key)
        return Response(orjson.dumps(answer), headers=served.headers, media_type="application/json")

    def _predict(self, served: Served, customer: CustomerRequest, key: str | None) -> dict[str, object]:
        scorer = served.scorer
        prediction_id = key or new_prediction_id()
        customer_id = customer.customer_id or f"generated-{prediction_id[:32]}"
        if len(customer_id) > LONGEST_CUSTOMER_ID:
            raise ContractError(f"the customer id is longer than {LONGEST_CUSTOMER_ID} characters")
        probability, decision = scorer.score_one(customer.row)
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
            "model_version": served.headers["x-model-version"],
            "served_by": self._worker.door,
            "recorded": is_recorded,
            "missing_columns": customer.missing,
            "timestamp": moment,
        }


def require_type(request: Request, media_type: str) -> None:
    """Refuse another content type, and any content encoding; a request without a type is read as the right one.

    Raises:
        HTTPException: 415.
    """
    found = request.headers.get("content-type", media_type).partition(";")[0].strip().lower()
    if found != media_type:
        raise HTTPException(415, f"send Content-Type: {media_type}")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "send the body without Content-Encoding", headers={"accept-encoding": "identity"})


def idempotency_key(request: Request) -> str | None:
    """Return the client's key; a prediction with a key that was used before is stored once.

    Raises:
        HTTPException: 400, the key can't be one.
    """
    key = request.headers.get("idempotency-key")
    if key is not None and not IDEMPOTENCY_KEY.match(key):
        raise HTTPException(400, "Idempotency-Key must be 8 to 64 of the characters A-Z a-z 0-9 . _ : -")
    return key
