"""Predictions as a door would have recorded them, without a door."""

import numpy as np

from churn.contract.table import Columns
from churn.scoring.prediction import Prediction
from churn.scoring.scorer import Scorer


def recorded_alone(scorer: Scorer, columns: Columns) -> list[Prediction]:
    """Answer each customer alone, and record it as a line of JSON."""
    found = []
    for number, values in enumerate(zip(*columns.values(), strict=True)):
        row = {name: float(value) if isinstance(value, np.float32) else value
               for name, value in zip(columns, values, strict=True)}  # fmt: skip
        probability, decision = scorer.score_one(row)
        standing = scorer.standings.of_row(row, probability)
        one = Prediction(
            prediction_id=f"p-{number}", customer_id=f"c-{number}", model_name=scorer.name,
            model_version=scorer.version, role="production", door="fastapi",
            inputs={name: None if value == "" or value != value else value for name, value in row.items()},  # noqa: PLR0124
            probability=probability, threshold=scorer.threshold, churn_prediction=decision.churn_prediction,
            risk_level=decision.risk_level, predicted_at="2026-11-21T06:00:00.123Z", segment=standing.segment,
            expected_loss=standing.expected_loss, expected_profit=standing.expected_profit,
            priority_score=standing.priority_score,
        )  # fmt: skip
        found.append(Prediction.from_json(one.to_json()))
    return found
