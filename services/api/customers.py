"""Customers of a request that brings several and takes all of them or none: read, scored, recorded."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import orjson
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from churn.contract.request import CustomerRequest, RequestForm, Row
from churn.contract.table import Columns
from churn.scoring.scorer import Decision
from churn.scoring.standing import Standing
from services.api.predict import LONGEST_CUSTOMER_ID
from services.api.problems import field_faults
from services.api.recording import count_inputs, inputs_of, new_prediction_id, record, row_prediction_id
from services.served import Served
from services.worker import Worker

MOST_FAULTS = 10
"""Rows named in a refusal."""


@dataclass(frozen=True, slots=True)
class ScoredCustomer:
    """What is predicted for one customer of many."""

    prediction_id: str
    probability: float
    decision: Decision


def read_customers(form: RequestForm, rows: Sequence[Mapping[str, object]]) -> list[CustomerRequest]:
    """Read customers by the rules of POST /predict.

    Raises:
        HTTPException: 400, one of them does not hold; names rows (from 1) and columns, never values.
    """
    customers, faults = [], []
    for number, row in enumerate(rows, start=1):
        try:
            customers.append(form.read(orjson.dumps(row)))
        except ValidationError as error:
            faults.append(f"row {number}: {'; '.join(field_faults(error))}")
        if len(faults) == MOST_FAULTS:
            break
    if faults:
        raise HTTPException(400, "nothing was scored: " + " | ".join(faults))
    return customers


def score_customers(
    worker: Worker, served: Served, customers: Sequence[CustomerRequest], *, key: str | None
) -> list[ScoredCustomer]:
    """Score customers with one version, and record each.

    Args:
        worker: the process that answers.
        served: the version that answers.
        customers: at least one.
        key: the client's Idempotency-Key: the same key and row is stored once.
    """
    scorer = served.scorer
    columns = _columns_of(served, [each.row for each in customers])
    probabilities = scorer.score_columns(columns)
    rows = zip(
        customers,
        prediction_ids(len(customers), key),
        probabilities.tolist(),
        scorer.standings.of_columns(columns, probabilities),
        strict=True,
    )
    return [
        _recorded(worker, served, customer, scored=ScoredCustomer(one, p, scorer.decide(p)), standing=standing)
        for customer, one, p, standing in rows
    ]


def prediction_ids(count: int, key: str | None) -> Iterator[str]:
    """Yield an id per row; made of the client's key and the row's number, as for a batch, if there is a key."""
    if key is None:
        return (new_prediction_id() for _ in range(count))
    return (row_prediction_id(key, row) for row in range(1, count + 1))


def _columns_of(served: Served, rows: Sequence[Row]) -> Columns:
    return {
        name: np.array([row[name] for row in rows], np.float32 if column.is_numeric else object)
        for name, column in served.scorer.contract.columns.items()
    }


def _recorded(
    worker: Worker, served: Served, customer: CustomerRequest, *, scored: ScoredCustomer, standing: Standing
) -> ScoredCustomer:
    customer_id = (customer.customer_id or f"generated-{scored.prediction_id[:32]}")[:LONGEST_CUSTOMER_ID]
    record(
        worker, served, (scored.prediction_id, customer_id), inputs=inputs_of(customer),
        probability=scored.probability, decision=scored.decision, standing=standing,
    )  # fmt: skip
    count_inputs(customer)
    return scored
