"""Why: what each column adds to a customer's risk, for a customer that is sent or one on record."""

from dataclasses import replace
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, ValidationError

from churn.contract.phrases import Value, value_of
from churn.contract.request import CustomerRequest, Row
from churn.errors import BundleError, ContractError, NotFoundError
from churn.scoring.explanation import Explanation
from churn.scoring.prediction import Prediction
from churn.scoring.scorer import Scorer
from services.api.endpoint import Document, Endpoint, ref, responses
from services.api.predict import LONGEST_CUSTOMER_ID, RiskFactorOut, require_type
from services.served import Served
from services.worker import Worker

PATH = "/api/v1/explain"
UNIT = "log_odds"
DECIMALS = 6
CustomerId = Annotated[
    str,
    Query(min_length=1, max_length=LONGEST_CUSTOMER_ID, pattern=r"^[^\x00]*$", description="Of a customer on record."),
]


class Step(BaseModel):
    """One column's part: it takes the log-odds of leaving from one number to the next."""

    feature: str
    value: Value
    contribution: float
    start: float = Field(alias="from")
    to: float


class Predicted(BaseModel):
    """The newest prediction on record, whose inputs are explained."""

    prediction_id: str
    model_version: str
    predicted_at: str
    churn_probability: float


class ExplainAnswer(BaseModel):
    """What each column adds to the log-odds of leaving, by the version that is live now.

    The base and the SHAP values add up to `log_odds`, which is log(p / (1 - p)) of the probability. For trees they are
    exact TreeSHAP values, for a linear model its terms; both carried over to the calibrated probability.
    """

    customer_id: str | None
    churn_probability: float
    log_odds: float
    model_version: str
    unit: str
    base_value: float
    feature_names: list[str]
    feature_values: list[Value]
    shap_values: list[float]
    words: list[str]
    top_risk_factors: list[RiskFactorOut]
    waterfall: list[Step] = Field(description="Strongest first, from the base to the log-odds.")
    missing_columns: list[str]
    predicted: Predicted | None = Field(description="For a customer on record; null for one that was sent.")


class Explain:
    """The endpoint for a customer that is sent."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def answer(self, request: Request) -> Response:
        """Answer one request; nothing is recorded."""
        served = self._worker.live.require()
        require_type(dict(request.headers.raw), "application/json")
        customer = served.scorer.form.read(await request.body())
        return _answer(*_explained(served, customer))


def explain_endpoints(worker: Worker) -> tuple[Endpoint, ...]:
    """Return the route for a customer that is sent."""
    return (
        Endpoint(
            method="POST", path=PATH, answer=Explain(worker).answer, describe=_describe,
            models=(ExplainAnswer,),
        ),
    )  # fmt: skip


def explain_routes(worker: Worker) -> APIRouter:
    """Return the route for a customer on record."""
    router = APIRouter(tags=["explain"])

    @router.get(PATH, response_model=ExplainAnswer, responses={400: {}, 404: {}, 503: {}})
    def explain_recorded(customer_id: CustomerId) -> Response:
        """Explain the newest recorded inputs of a customer, by the version that answers this customer now."""
        served = worker.live.require()
        prediction = _newest(worker, customer_id)
        customer = recorded(served.scorer, prediction)
        predicted = {
            "prediction_id": prediction.prediction_id,
            "model_version": str(prediction.model_version),
            "predicted_at": prediction.predicted_at,
            "churn_probability": prediction.probability,
        }
        explaining, found = _explained(served, replace(customer, customer_id=customer_id))
        return _answer(explaining, {**found, "predicted": predicted})

    return router


def _explained(served: Served, customer: CustomerRequest) -> tuple[Served, dict[str, object]]:
    """Explain by the version whose customer it is; by production, when the canary fails."""
    canary = served.canary
    if canary is not None and canary.has(customer):
        try:
            return canary.served, explained(canary.served.scorer, canary.read(customer))
        except Exception as error:  # noqa: BLE001  no customer may ever see what a canary does wrong
            canary.fall_back(1, type(error).__name__)
    return served, explained(served.scorer, customer)


def recorded(scorer: Scorer, prediction: Prediction) -> CustomerRequest:
    """Read recorded inputs again, by the contract of the version that is to explain them.

    Raises:
        ContractError: they do not fit it; the message names the columns.
    """
    kept = {name: value for name, value in prediction.inputs.items() if name in scorer.contract.columns}
    try:
        return scorer.form.read(orjson.dumps(kept))
    except ValidationError as error:
        names = ", ".join(sorted({str(each["loc"][0]) for each in error.errors(include_input=False)}))
        raise ContractError(
            f"what version {prediction.model_version} recorded of this customer does not fit the contract of version "
            f"{scorer.version}: {names}. Send the customer to POST {PATH}"
        ) from error


def explained(scorer: Scorer, customer: CustomerRequest) -> dict[str, object]:
    """Return the answer about one customer.

    Raises:
        BundleError: the version has no explanations, or gives no probability.
    """
    found = scorer.explain_row(customer.row)
    probability = scorer.score_row(customer.row)
    if not 0.0 <= probability <= 1.0:
        raise BundleError(f"version {scorer.version} gave a probability that is none: {probability}")
    values = _values(scorer, customer.row)
    steps = _waterfall(found, values)
    return {
        "customer_id": customer.customer_id,
        "churn_probability": probability,
        "log_odds": steps[-1]["to"],
        "model_version": str(scorer.version),
        "unit": UNIT,
        "base_value": found.base_log_odds,
        "feature_names": list(values),
        "feature_values": list(values.values()),
        "shap_values": [found.contributions[name] for name in values],
        "words": [reason.words for reason in found.top_reasons],
        "top_risk_factors": found.factors,
        "waterfall": steps,
        "missing_columns": customer.missing,
        "predicted": None,
    }


def _values(scorer: Scorer, row: Row) -> dict[str, Value]:
    return {name: value_of(row[name], column.type) for name, column in scorer.contract.columns.items()}


def _waterfall(found: Explanation, values: dict[str, Value]) -> list[dict[str, object]]:
    total = found.base_log_odds
    steps: list[dict[str, object]] = []
    for name, amount in sorted(found.contributions.items(), key=lambda each: -abs(each[1])):
        before, total = total, round(total + amount, DECIMALS)
        steps.append({"feature": name, "value": values[name], "contribution": amount, "from": before, "to": total})
    return steps


def _newest(worker: Worker, customer_id: str) -> Prediction:
    from churn.stores.predictions import PredictionStore  # noqa: PLC0415  a worker that never asks never pays for SQL

    found = PredictionStore(worker.stores.engine()).latest_for(customer_id, model_name=worker.settings.model)
    if found is None:
        raise NotFoundError(
            "no prediction of this customer is on record: one that was just made is there after about a second"
        )
    return found


def _answer(served: Served, found: dict[str, object]) -> Response:
    return Response(orjson.dumps(found), headers=served.headers, media_type="application/json")


def _describe(served: Served | None) -> Document:
    example = {"example": dict(served.scorer.contract.example)} if served else {}
    customer = {"schema": {"$ref": "#/components/schemas/Customer"}, **example}
    return {
        "operationId": "explain",
        "summary": "Explain one customer",
        "description": "What each column adds to the log-odds of leaving. Nothing is recorded.",
        "tags": ["explain"],
        "requestBody": {"required": True, "content": {"application/json": customer}},
        "responses": responses(ref(ExplainAnswer), 400, 413, 415, 422, 503),
    }
