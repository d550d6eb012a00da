"""Records for the tests of the spool and the stores."""

from dataclasses import replace

from churn.scoring.prediction import Prediction

PREDICTION = Prediction(
    prediction_id="p-0",
    customer_id="7590-VHVEG",
    model_name="churn",
    model_version=3,
    role="production",
    door="fastapi",
    inputs={"tenure": 1, "Contract": "Month-to-month", "TotalCharges": None},
    probability=0.61,
    threshold=0.4,
    churn_prediction=1,
    risk_level="HIGH",
    predicted_at="2026-11-21T06:00:00.123Z",
)


def prediction(number: int | str, **changed: object) -> Prediction:
    return replace(PREDICTION, prediction_id=f"p-{number}", **changed)  # type: ignore[arg-type]
