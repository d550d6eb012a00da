"""The panels of the dashboard, as a table: what each shows, in which unit, from which queries."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["timeseries", "stat", "heatmap", "bargauge"]


@dataclass(frozen=True, slots=True)
class PanelText:
    """One panel.

    Attributes:
        unit: Grafana's name of the unit.
        queries: PromQL and the legend of its series.
        steps: value from which → colour; below the first one the panel is green.
        span: width, of 24.
    """

    title: str
    description: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    kind: Kind = "timeseries"
    steps: tuple[tuple[float, str], ...] = ()
    span: int = 8


REQUESTS = "churn_http_requests_total"
LATENCY = "churn_http_request_duration_seconds_bucket"
WINDOW = "[$__rate_interval]"


def _quantile(share: float) -> tuple[str, str]:
    query = f"histogram_quantile({share}, sum by (le, door) (rate({LATENCY}{WINDOW})))"
    return query, f"p{share * 100:.0f} {{{{door}}}}"


def _error_ratio() -> str:
    """A door without errors has no series of them: its ratio is 0, not nothing."""
    every = f"sum by (door) (rate({REQUESTS}{WINDOW}))"
    failed = f'sum by (door) (rate({REQUESTS}{{status=~"5.."}}{WINDOW}))'
    return f"({failed} or {every} * 0) / {every}"


def _share_of_customers(metric: str) -> str:
    return f"sum by (column) (rate({metric}{WINDOW})) / scalar(sum(rate(churn_predictions_total{WINDOW})))"


NOW = (
    PanelText(
        "Version in production", "What the alias names in the registry; 0: nothing.", "none",
        (("max(churn_production_version)", "version"),), kind="stat", span=4,
    ),
    PanelText(
        "Scraped", "Which of the doors and the exporter Prometheus reaches; 1: reached.", "none",
        (('up{job=~"churn-.*"}', "{{job}}"),), kind="stat", steps=((-1, "red"), (1, "green")), span=6,
    ),
    PanelText(
        "Stores", "Whether the registry and the SQL store answer the exporter, and the registry the attendant.", "none",
        (
            ("churn_registry_up", "registry, {{job}}"),
            ("churn_store_up", "SQL store"),
        ), kind="stat", steps=((-1, "red"), (1, "green")), span=6,
    ),
    PanelText(
        "Drifted share", "Share of the columns that drifted in the last run of `churn drift`.", "percentunit",
        (("churn_drift_drifted_share_ratio", "share"),), kind="stat", steps=((0.1, "yellow"), (0.3, "red")), span=4,
    ),
    PanelText(
        "Last drift run", "How long ago `churn drift` measured last; it should run daily.", "s",
        (("time() - churn_drift_last_run_timestamp_seconds", "age"),), kind="stat",
        steps=((90_000, "yellow"), (180_000, "red")), span=4,
    ),
)  # fmt: skip

DOORS = (
    PanelText(
        "Requests", "Answers per second, by door and status.", "reqps",
        ((f"sum by (door, status) (rate({REQUESTS}{WINDOW}))", "{{door}} {{status}}"),),
    ),
    PanelText(
        "Error ratio", "Share of the answers that were the service's fault (5xx).", "percentunit",
        ((_error_ratio(), "{{door}}"),), steps=((0.001, "yellow"), (0.01, "red")),
    ),
    PanelText(
        "Latency", "From the request's head to the last byte of the answer; estimated from a histogram.", "s",
        (_quantile(0.5), _quantile(0.95), _quantile(0.99)), steps=((0.1, "yellow"), (0.25, "red")),
    ),
    PanelText(
        "Version per worker", "What each worker serves: after a promotion all should agree within 5 s.", "none",
        (("max by (door, worker) (churn_model_version)", "{{door}} {{worker}}"),),
    ),
    PanelText(
        "Waiting for the SQL store", "Predictions on disk, and in memory when the disk takes none.", "short",
        (
            ("max(churn_recorder_backlog)", "on disk"),
            ("sum by (door) (churn_recorder_memory)", "in memory, {{door}}"),
        ), steps=((10_000, "yellow"), (100_000, "red")),
    ),
    PanelText(
        "Lost and refused", "Predictions that could not be recorded, and bundles that workers refused.", "short",
        (
            ("sum by (door) (churn_recorder_lost_total)", "lost, {{door}}"),
            ("sum(churn_model_load_failures_total) or vector(0)", "bundles refused"),
        ), steps=((1, "red"),),
    ),
)  # fmt: skip

CUSTOMERS = (
    PanelText(
        "Predictions by risk level", "Customers scored per second.", "cps",
        ((f"sum by (risk_level) (rate(churn_predictions_total{WINDOW}))", "{{risk_level}}"),),
    ),
    PanelText(
        "Predicted probability", "How many customers got which probability of churn.", "percentunit",
        ((f"sum by (le) (increase(churn_predicted_probability_bucket{WINDOW}))", "{{le}}"),), kind="heatmap",
    ),
    PanelText(
        "Stored predictions", "Rows in the SQL store, by version.", "short",
        (("churn_predictions_stored_total", "version {{version}}"),),
    ),
    PanelText(
        "Missing values", "Share of customers without a value, by column.", "percentunit",
        ((_share_of_customers("churn_input_missing_total"), "{{column}}"),), steps=((0.05, "yellow"), (0.25, "red")),
        span=12,
    ),
    PanelText(
        "Unknown values", "Share of customers with a value that the contract does not list, by column.", "percentunit",
        ((_share_of_customers("churn_input_unknown_total"), "{{column}}"),), steps=((0.05, "yellow"), (0.25, "red")),
        span=12,
    ),
)  # fmt: skip

MODEL = (
    PanelText(
        "Drift by column", "Distance of the live window from the reference, by the deciding method.", "none",
        (("sort_desc(churn_drift_score)", "{{column}} ({{method}})"),), kind="bargauge",
        steps=((0.1, "yellow"), (0.25, "red")), span=12,
    ),
    PanelText(
        "Drifted columns", "1: the column drifted in the last run.", "none",
        (("churn_drift_is_drifted", "{{column}}"),), span=6,
    ),
    PanelText(
        "Moves of production", "Promotions and rollbacks in the audit, by how they ended.", "short",
        (('sum by (action, status) (churn_promotions_total{status!="prepared"})', "{{action}} {{status}}"),), span=6,
    ),
)  # fmt: skip

ROWS = {"Now": NOW, "Doors": DOORS, "Customers": CUSTOMERS, "Model": MODEL}
"""Row of the dashboard → its panels, from left to right."""
