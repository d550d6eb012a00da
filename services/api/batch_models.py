"""What a batch answers as JSON."""

from pydantic import BaseModel, Field


class RejectedRowOut(BaseModel):
    """A row that was set aside; rows count from 1 after the header."""

    row: int
    reasons: list[str]


class BatchTotals(BaseModel):
    """What a batch came to."""

    total_customers: int
    churn_risk_count: int
    recorded: int = Field(description="Predictions that are on disk; the others wait in memory for it.")
    model_version: str = Field(description="In production; with a canary, each row names the version that answered it.")
    threshold: float = Field(description="That of the version in production.")
    served_by: str
    rejected: list[RejectedRowOut]
    explanation_note: str | None = Field(default=None, description="Why there are no explanations, though asked for.")


class BatchAnswer(BatchTotals):
    """What is predicted for a table."""

    results: list[dict[str, object]] = Field(
        description="A row's number, its columns as they were sent, and what is predicted; with explain=true why, too."
    )


class PredictionsAnswer(BatchTotals):
    """What is predicted for a table, as a list that becomes a table as it is."""

    predictions: list[dict[str, object]]
