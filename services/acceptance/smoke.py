"""Smoke: the questions that every release must answer, asked of a running door one after the other."""

import csv
import io
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from services.acceptance.outcome import Case
from services.acceptance.witness import Members, Witness, WrongError, members

TOLERANCE = 1e-6
NOT_A_CUSTOMER = {"no such column": 1}


@dataclass(frozen=True, slots=True)
class Question:
    """One question; `ask` raises when the answer is wrong.

    Attributes:
        words: what holds when the answer is right.
    """

    words: str
    ask: Callable[[Witness], None]


def smoke(url: str, *, version: int | None = None, api_key: str | None = None) -> list[Case]:
    """Ask a door every question; a door that is not there answers each of them wrong.

    Args:
        url: of the door.
        version: that must be served; None: any.
        api_key: where prediction needs one.
    """
    with Witness(url, api_key=api_key) as witness:
        return [_case(question, witness) for question in questions(version)]


def questions(version: int | None) -> tuple[Question, ...]:
    """Return what is asked, in order."""
    served = (Question(f"version {version} is served", _serves(version)),) if version else ()
    return (
        Question("the process is alive", _alive),
        Question("the door is ready", _ready),
        Question("its health names the model that it serves", _health),
        *served,
        Question("the OpenAPI document describes prediction", _document),
        Question("the contract's example is scored", _example),
        Question("a customer with the required columns alone is scored", _required_only),
        Question("both addresses of prediction give the same probability", _same),
        Question("a CSV of customers is scored", _table),
        Question("reasons are given for a customer", _reasons),
        Question("a row that breaks the contract is refused, and why is said", _refusal),
        Question("something that is not JSON is refused", _garbage),
        Question("metrics count the predictions", _metrics),
    )


def _case(question: Question, witness: Witness) -> Case:
    began, problem = time.monotonic(), ""
    try:
        question.ask(witness)
    except WrongError as error:
        problem = str(error)
    except httpx.HTTPError as error:
        problem = f"no answer: {type(error).__name__}: {error}"
    except (KeyError, TypeError, ValueError) as error:
        problem = f"the answer has another shape: {type(error).__name__}: {error}"
    return Case(question.words, problem, time.monotonic() - began)


def _alive(witness: Witness) -> None:
    witness.get("/livez")


def _ready(witness: Witness) -> None:
    witness.get("/readyz")


def _health(witness: Witness) -> None:
    health = members(witness.get("/api/v1/health"))
    if not health["model"]:
        raise WrongError(f"no model is served: {health['model_problem'] or health['status']}")


def _serves(version: int | None) -> Callable[[Witness], None]:
    def ask(witness: Witness) -> None:
        found = str((members(witness.get("/api/v1/health"))["model"] or {}).get("version"))
        if found != str(version):
            raise WrongError(f"version {found} is served, not {version}")

    return ask


def _document(witness: Witness) -> None:
    if "post" not in witness.document()["paths"].get("/api/v1/predict", {}):
        raise WrongError("it has no POST /api/v1/predict")


def _example(witness: Witness) -> None:
    _probability(members(witness.post("/api/v1/predict", json=witness.customer())))


def _required_only(witness: Witness) -> None:
    required = witness.required()
    customer = {name: value for name, value in witness.customer().items() if name in required}
    _probability(members(witness.post("/api/v1/predict", json=customer)))


def _same(witness: Witness) -> None:
    customer = witness.customer()
    one, other = (_probability(members(witness.post(path, json=customer))) for path in ("/predict", "/api/v1/predict"))
    if abs(one - other) > TOLERANCE:
        raise WrongError(f"/predict says {one}, /api/v1/predict says {other}")


def _table(witness: Witness) -> None:
    customer, text = witness.customer(), io.StringIO()
    writer = csv.DictWriter(text, list(customer))
    writer.writeheader()
    writer.writerows([customer, customer])
    files = {"file": ("customers.csv", text.getvalue().encode(), "text/csv")}
    found = members(witness.post("/predict/batch", files=files))
    if found["total_customers"] != 2 or len(found["results"]) != 2:
        raise WrongError(f"2 customers were sent, {found['total_customers']} came back")
    for row in found["results"]:
        _probability(row)


def _reasons(witness: Witness) -> None:
    found = members(witness.post("/api/v1/explain", json=witness.customer()))
    if len(found["shap_values"]) != len(found["feature_names"]) or not found["feature_names"]:
        raise WrongError("there is not one value for each column")


def _refusal(witness: Witness) -> None:
    problem = members(witness.post("/api/v1/predict", status=422, json=NOT_A_CUSTOMER))
    if not problem["detail"] or not problem["errors"]:
        raise WrongError("the refusal names no field")


def _garbage(witness: Witness) -> None:
    witness.post("/api/v1/predict", status=400, content=b"{", headers={"content-type": "application/json"})


def _metrics(witness: Witness) -> None:
    if "churn_" not in witness.get("/metrics").text:
        raise WrongError("/metrics has no line that begins with churn_")


def _probability(answer: Members) -> float:
    found = float(answer["churn_probability"])
    if not 0 <= found <= 1:
        raise WrongError(f"{found} is no probability")
    return found
