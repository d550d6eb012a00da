"""The metric catalogue: every metric that this project exposes, once. Plain data: who counts brings the library.

Names follow https://prometheus.io/docs/practices/naming: prefix `churn_`, base units, `_total` for counters (not written
here: the client library adds it). A label has a bounded set of values, and never one that a customer sent.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
Origin = Literal["door", "attendant", "exporter", "jobs"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: without the suffixes that the kind adds.
        text: what it says, in a sentence; its help.
        labels: their names.
        origin: which process shows it.
        buckets: upper bounds of a histogram.
    """

    name: str
    kind: Kind
    text: str
    labels: tuple[str, ...] = ()
    origin: Origin = "exporter"
    buckets: tuple[float, ...] = ()


PER_MEASURE = ("version", "measure", "source")
"""`source`: observed (from outcomes) or estimated (before they arrive)."""

EXPORTED = (
    Metric("churn_store_up", "gauge", "1: the SQL store answers."),
    Metric("churn_registry_up", "gauge", "1: the registry answers."),
    Metric("churn_production_version", "gauge", "Version in production; 0: none."),
    Metric("churn_predictions_stored", "counter", "Predictions in the SQL store, by version.", ("version",)),
    Metric("churn_promotions", "counter", "Moves of the production alias in the audit.", ("action", "status")),
    Metric("churn_promotion_last_timestamp_seconds", "gauge", "When production last moved.", ("action",)),
    Metric("churn_drift_last_run_timestamp_seconds", "gauge", "When the drift job last measured."),
    Metric("churn_drift_enough_data", "gauge", "0: the last window was too small to say anything."),
    Metric("churn_drift_window_rows", "gauge", "Customers in the last live window."),
    Metric("churn_drift_unreadable_rows", "gauge", "Of them, rows that the version's contract does not hold for."),
    Metric("churn_drift_model_version", "gauge", "Version that the last run looked at."),
    Metric("churn_drift_drifted_share_ratio", "gauge", "Share of columns that drifted."),
    Metric("churn_drift_detected", "gauge", "1: the last window as a whole drifted."),
    Metric("churn_drift_prediction_detected", "gauge", "1: the predicted probability drifted."),
    Metric("churn_drift_profit_change", "gauge", "Change of expected profit per customer, in the contract's currency."),
    Metric("churn_drift_score", "gauge", "Distance from the reference, by column and method.", ("column", "method")),
    Metric("churn_drift_threshold", "gauge", "Distance from which the method calls it drift.", ("column", "method")),
    Metric("churn_drift_is_drifted", "gauge", "1: the column drifted.", ("column",)),
    Metric("churn_performance_last_run_timestamp_seconds", "gauge", "When performance was last measured."),
    Metric("churn_performance_labelled_customers", "gauge", "Customers whose outcome is known.", ("version",)),
    Metric("churn_performance_value", "gauge", "A measure of a version's predictions.", PER_MEASURE),
    Metric("churn_performance_low", "gauge", "Lower end of its 95 % interval.", PER_MEASURE),
    Metric("churn_performance_high", "gauge", "Upper end of its 95 % interval.", PER_MEASURE),
    Metric("churn_performance_reference", "gauge", "The measure on held-out customers.", ("version", "measure")),
    Metric(
        "churn_performance_part_value",
        "gauge",
        "A measure in one part of the customers: a segment, a door, a time.",
        ("version", "dimension", "part", "measure"),
    ),
    Metric("churn_performance_degraded", "gauge", "1: surely worse than on held-out customers.", ("version",)),
    Metric("churn_outcomes_stored", "counter", "Outcomes in the SQL store.", ("churned",)),
    Metric("churn_customers", "gauge", "Customers by their newest prediction.", ("segment", "risk_level")),
    Metric("churn_revenue_at_risk", "gauge", "Their expected loss, in the contract's currency.", ("segment",)),
    Metric("churn_expected_profit", "gauge", "What contacting those who are worth it would earn.", ("segment",)),
    Metric("churn_jobs", "gauge", "Jobs that wait or run.", ("kind", "status")),
    Metric("churn_jobs_ended", "counter", "Jobs that ended.", ("kind", "status")),
    Metric("churn_stage_last_success_timestamp_seconds", "gauge", "When a stage last ended well.", ("stage",)),
    Metric("churn_stage_last_run_timestamp_seconds", "gauge", "When a stage last began.", ("stage",)),
    Metric("churn_stage_last_run_seconds", "gauge", "How long its last finished run took.", ("stage",)),
    Metric("churn_stage_failures", "counter", "Runs that failed.", ("stage",)),
    Metric("churn_retrain_decisions", "counter", "Decisions of `churn retrain`.", ("decision",)),
    Metric("churn_retrain_last_decision_timestamp_seconds", "gauge", "When it last decided."),
)
"""What the exporter reads from the stores."""
