"""Recording: each answer becomes a line in the spool before it is given."""

import hashlib
import os
import time
from collections.abc import Mapping

import orjson

from churn.contract.request import CustomerRequest
from churn.scoring.prediction import utc_now
from churn.scoring.scorer import Decision, Scorer
from churn.scoring.standing import Standing
from services import telemetry
from services.served import Served
from services.worker import Worker


def new_prediction_id() -> str:
    """Return a UUIDv7 as 32 hexadecimal digits: ids sort by time, which keeps a database's index compact."""
    random = int.from_bytes(os.urandom(10))
    high = 0x7000 | (random >> 68)
    low = 0x8000000000000000 | (random & 0x3FFFFFFFFFFFFFFF)
    return f"{time.time_ns() // 1_000_000:012x}{high:04x}{low:016x}"


def row_prediction_id(key: str, row: int) -> str:
    """Return the id of one row of a request that brings several with an Idempotency-Key: sent again, it is the same.

    Args:
        key: the client's.
        row: its number, from 1.
    """
    return hashlib.sha256(f"{key}:{row}".encode()).hexdigest()[:32]


def inputs_of(customer: CustomerRequest) -> dict[str, object]:
    """Return a customer's inputs as they are recorded: missing ones as None."""
    return {**customer.row, **dict.fromkeys(customer.missing)}


def record(  # noqa: PLR0913  what an answer consists of
    worker: Worker, served: Served, prediction: tuple[str, str], *, inputs: Mapping[str, object],
    probability: float, decision: Decision, standing: Standing,
) -> tuple[bool, str]:  # fmt: skip
    """Spool and count one prediction.

    Args:
        worker: the process that answers.
        served: the version that answered.
        prediction: its id and the customer's.
        inputs: JSON values by column.
        probability: of churn.
        decision: what it means.
        standing: the customer's place.

    Returns:
        Whether it is on disk, and the moment.
    """
    scorer: Scorer = served.scorer
    moment = utc_now()
    line: dict[str, object] = {  # as Prediction.to_json writes it: making one first takes three times as long
        "prediction_id": prediction[0],
        "customer_id": prediction[1],
        "model_name": scorer.name,
        "model_version": scorer.version,
        "role": served.role,
        "door": worker.door,
        "inputs": inputs,
        "probability": probability,
        "threshold": scorer.threshold,
        "churn_prediction": decision.churn_prediction,
        "risk_level": decision.risk_level,
        "predicted_at": moment,
        "segment": standing.segment,
        "expected_loss": standing.expected_loss,
        "expected_profit": standing.expected_profit,
        "priority_score": standing.priority_score,
    }
    is_recorded = worker.spool.append(orjson.dumps(line))
    served.meters.count(probability, decision.risk_level)
    return is_recorded, moment


def count_inputs(customer: CustomerRequest) -> None:
    """Count what one customer left out, and what no category lists."""
    for column in customer.missing:
        telemetry.count_missing(column)
    for column in customer.unknown:
        telemetry.count_unknown(column)
