"""Customers to send, and what a bundle says of them when no door is between."""

import json
from pathlib import Path
from typing import Any

from churn.bundle.files import digest_of
from churn.contract.contract import Contract
from churn.scoring.loading import load_scorer
from tests.bundles import random_columns
from tests.faults.load import Answered

SAME_SCORE = 0.0
"""A score does not depend on its company: it has the same bits at every door, whoever is scored in the same moment."""


def customers(contract: Contract, count: int = 40) -> list[dict[str, Any]]:
    """Random customers, each without what is missing."""
    columns = random_columns(contract, count, seed=5)
    rows = [{name: values[row] for name, values in columns.items()} for row in range(count)]
    return [
        {name: _json(value) for name, value in row.items() if value not in ("", None) and str(value) != "nan"}
        for row in rows
    ]


def offline_scores(folder: Path, sent: list[dict[str, Any]]) -> list[float]:
    """Score customers in this process."""
    scorer = load_scorer(folder, name="offline", version=1, digest=digest_of(folder))
    return [scorer.score_one(scorer.form.read(json.dumps(each).encode()).row)[0] for each in sent]


def wrong_scores(answers: list[Answered], scores: dict[str, list[float]]) -> list[Answered]:
    """Return the answers that are not what the version that they name says offline.

    Args:
        answers: all with status 200.
        scores: of each customer, by version.
    """
    return [
        each
        for each in answers
        if abs(each.found["churn_probability"] - scores[each.version][each.customer]) > SAME_SCORE
    ]


def _json(value: object) -> object:
    return value if isinstance(value, str) else float(value)  # type: ignore[arg-type]
