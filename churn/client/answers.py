"""Answers of the doors, typed. A newer door may say more: what is not named here is kept all the same."""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """What every answer is."""

    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())


class RiskFactor(Answer):
    """What one column adds to the risk, in log-odds."""

    feature: str
    impact: float
    words: str = ""


class Action(Answer):
    """Something that may keep the customer."""

    offer: str | None = None
    title: str | None = None
    expected_profit: float | None = None
    cost: float | None = None


class Prediction(Answer):
    """What is predicted for one customer; see docs/api.md for each field."""

    churn_probability: float
    churn_prediction: int
    risk_level: Literal["LOW", "MEDIUM", "HIGH"]
    customer_id: str
    prediction_id: str
    model_version: str
    threshold: float | None = None
    served_by: str | None = None
    recorded: bool | None = None
    missing_columns: Sequence[str] = ()
    timestamp: str | None = None
    segment: str | None = None
    expected_loss: float | None = None
    expected_profit: float | None = None
    priority_score: float | None = None
    recommendations: Sequence[str] = ()
    actions: Sequence[Action] = ()
    top_risk_factors: Sequence[RiskFactor] = ()


class Explanation(Answer):
    """What each column adds to the log-odds of leaving."""

    customer_id: str | None = None
    churn_probability: float
    model_version: str
    base_value: float
    shap_values: Sequence[float]
    feature_names: Sequence[str]
    words: Sequence[str] = ()


class Model(Answer):
    """One registered version."""

    version: int | str


class Health(Answer):
    """How a door fares."""

    status: str
    door: str


class Outcomes(Answer):
    """What became of outcomes that were sent."""

    accepted: int
    duplicates: int = 0
    rejected: Sequence[dict[str, object]] = ()


class JobState(Answer):
    """How far a job is."""

    job_id: str
    status: str
    progress: float = 0.0
    words: str = ""
    problem: str | None = None
