"""The Model board: is what is in production still true of the customers who are asked about?"""

from monitoring.boards.intervals import measured
from monitoring.boards.panel import BY_RISK, REFERENCE, WINDOW, YES_NO, Board, Destination, Panel, Row

PROBABILITY = "churn_predicted_probability"
OUR_VERSION = 'version="$version"'
DRIFT: tuple[Destination, ...] = ("reports", "mlflow")
NO_DRIFT_RUN = "`churn drift` has measured"
NO_PERFORMANCE_RUN = "`churn performance` has measured this version"


def _performance(title: str, measure: str, text: str, unit: str = "none") -> Panel:
    held_out = f'max(churn_performance_reference{{{OUR_VERSION},measure="{measure}"}})'
    return Panel(
        title=title, unit=unit, span=8, decimals=3, page="performance", leads_to=DRIFT, text=text,
        runbook="ChurnPerformanceDegraded", is_from_zero=False, waits_for=NO_PERFORMANCE_RUN,
        queries=(*measured(measure), (held_out, REFERENCE)),
    )  # fmt: skip


def _part(title: str, dimension: str, text: str) -> Panel:
    where = f'{{{OUR_VERSION},dimension="{dimension}",measure="$measure"}}'
    return Panel(
        title=title, kind="bargauge", unit="none", span=8, decimals=3, page="performance", leads_to=DRIFT, text=text,
        waits_for=f"{NO_PERFORMANCE_RUN} with outcomes",
        queries=((f"max by (part) (churn_performance_part_value{where})", "{{part}}"),),
    )  # fmt: skip


NOW = Row(
    "Now",
    (
        Panel(
            title="In production", runbook="ChurnNoProductionVersion", kind="stat", unit="none", span=4,
            page="api", leads_to=("mlflow",),
            text="The version that the registry's alias names; 0 is none.",
            queries=(
                ("max(churn_production_version)", "version"),
                ("max(churn_drift_model_version)", "drift was measured of"),
            ),
        ),
        Panel(
            title="Drift", runbook="ChurnDrift", kind="stat", unit="none", span=5, page="drift", leads_to=DRIFT,
            states=((0, "no", "green"), (1, "DRIFT", "red")), waits_for=NO_DRIFT_RUN,
            text="What the last run of `churn drift` said of the live window as a whole, and of the predicted "
            "probability.",
            queries=(
                ("max(churn_drift_detected)", "window"),
                ("max(churn_drift_prediction_detected)", "prediction"),
                ("max(churn_drift_volume_changed)", "volume"),
            ),
        ),
        Panel(
            title="Drifted columns", kind="stat", unit="percentunit", span=4, page="drift", leads_to=DRIFT, decimals=0,
            text="Share of the contract's columns in which some method found drift.", waits_for=NO_DRIFT_RUN,
            queries=(("max(churn_drift_drifted_share_ratio)", "share"),), steps=((0.1, "yellow"), (0.3, "red")),
        ),
        Panel(
            title="Surely worse", runbook="ChurnPerformanceDegraded", kind="stat", unit="none", span=4,
            page="performance", leads_to=DRIFT, states=YES_NO,
            text="Whether outcomes say that the version is worse than on held-out customers, beyond chance.",
            waits_for=NO_PERFORMANCE_RUN, queries=((f"max(churn_performance_degraded{{{OUR_VERSION}}})", "degraded"),),
        ),
        Panel(
            title="Last looked", runbook="ChurnStageStale", kind="stat", unit="s", span=7, page="drift",
            steps=((90_000, "yellow"), (180_000,
            "red")),
            text="How long ago drift and performance were measured; both should be daily.", waits_for=NO_DRIFT_RUN,
            queries=(
                ("time() - max(churn_drift_last_run_timestamp_seconds)", "drift"),
                ("time() - max(churn_performance_last_run_timestamp_seconds)", "performance"),
            ),
        ),
    ),
)  # fmt: skip

PREDICTIONS = Row(
    "Predictions",
    (
        Panel(
            title="Predicted probability", kind="heatmap", unit="percentunit", span=8, page="science",
            text="How many customers got which probability of churn.",
            queries=((f"sum by (le) (increase({PROBABILITY}_bucket{WINDOW}))", "{{le}}"),),
        ),
        Panel(
            title="Mean probability", runbook="ChurnPredictionDrift", unit="percentunit", span=8, decimals=1,
            is_from_zero=False,
            page="science", leads_to=("mlflow",),
            text="Mean predicted probability by version. A step without a promotion means other customers, or other "
            "data.",
            waits_for="the first prediction",
            queries=((
                f"sum by (model_version) (rate({PROBABILITY}_sum{WINDOW})) "
                f"/ (sum by (model_version) (rate({PROBABILITY}_count{WINDOW})) > 0)", "version {{model_version}}",
            ),),
        ),
        Panel(
            title="Predictions by version and risk", unit="cps", span=8, page="science",
            colours=BY_RISK, is_stacked=True,
            text="Customers scored per second, by the version that answered and the risk level.",
            queries=((f"sum by (model_version, risk_level) (rate(churn_predictions_total{WINDOW}))",
                      "{{model_version}} {{risk_level}}"),),
        ),
    ),
)  # fmt: skip

DRIFTED = Row(
    "Drift, against the reference of the version that served",
    (
        Panel(
            title="Drift by column", runbook="ChurnDrift", kind="table", unit="none", span=12, height=12,
            decimals=3, page="drift",
            leads_to=DRIFT, waits_for=NO_DRIFT_RUN, steps=((0.8, "yellow"), (1, "red")),
            text="Distance of the live window from the reference, by column and method, and the distance from which "
            "it is "
            "called drift: from 1 times the threshold. `churn_probability` is the prediction.",
            queries=(
                ("max by (column, method) (churn_drift_score)", "distance"),
                ("max by (column, method) (churn_drift_threshold)", "threshold"),
                ("max by (column, method) (abs(churn_drift_score) / churn_drift_threshold)", "times the threshold"),
            ),
        ),
        Panel(
            title="Columns that drifted", runbook="ChurnDrift", kind="states", unit="none",
            span=12, height=12, states=YES_NO, page="drift",
            leads_to=DRIFT, text="Which columns drifted when; `churn_probability` is the prediction.",
            waits_for=NO_DRIFT_RUN, queries=(("max by (column) (churn_drift_is_drifted)", "{{column}}"),),
        ),
        Panel(
            title="Live window", runbook="ChurnRowsUnreadable", unit="short", span=8, page="drift",
            leads_to=("reports",), waits_for=NO_DRIFT_RUN,
            text="Customers in the window of the last drift run, and rows of it that the version's contract does not "
            "hold for.",
            queries=(
                ("max(churn_drift_window_rows)", "customers"),
                ("max(churn_drift_unreadable_rows)", "unreadable"),
            ),
        ),
        Panel(
            title="Enough data", runbook="ChurnDriftUnknown", kind="states", unit="none", span=8, height=8,
            page="drift",
            states=((0, "too little", "yellow"), (1, "enough", "green")), waits_for=NO_DRIFT_RUN,
            text="Whether the last window was large enough to say anything; too little is said, not guessed.",
            queries=(("max(churn_drift_enough_data)", "window"),),
        ),
        Panel(
            title="What drift changes in profit", unit="short", is_from_zero=False, span=8, decimals=2, page="drift",
            leads_to=("reports",),
            text="Change of expected profit per customer from the reference to the live window, in the contract's "
            "currency; "
            "below 0 is a loss.", waits_for="a drift run of a contract with economics",
            queries=(("max(churn_drift_profit_change)", "per customer"),),
        ),
    ),
)  # fmt: skip

QUALITY = Row(
    "Data quality",
    (
        Panel(
            title="Missing values", runbook="ChurnMissingValues", unit="percentunit", span=8, page="contract",
            steps=((0.05, "yellow"), (0.25,
            "red")),
            text="Share of the last hour's customers without a value, by column.",
            waits_for="a customer without a value",
            queries=(("column:churn_input_missing:ratio_rate1h", "{{column}}"),),
        ),
        Panel(
            title="Unknown values", runbook="ChurnUnknownValues", unit="percentunit", span=8, page="contract",
            steps=((0.05, "yellow"), (0.25,
            "red")),
            text="Share of the last hour's customers with a value that the contract does not list, by column.",
            waits_for="a customer with a value that the contract does not list",
            queries=(("column:churn_input_unknown:ratio_rate1h", "{{column}}"),),
        ),
        Panel(
            title="Rejected rows", runbook="ChurnRowsRejected", unit="cps", span=8, page="contract", steps=((0.1,
            "yellow"), (1, "red")),
            text="Rows of batches that were set aside per second, by door, and requests that were refused as unfit "
            "(422).",
            queries=(
                (f"sum by (door) (rate(churn_rows_rejected_total{WINDOW}))", "rows, {{door}}"),
                (f'sum(rate(churn_http_requests_total{{status="422"}}{WINDOW})) or vector(0)', "requests"),
            ),
        ),
    ),
)  # fmt: skip

PERFORMANCE = Row(
    "Performance of version $version: from outcomes (blue), estimated before they arrive (orange), and held out",
    (
        _performance("ROC-AUC", "roc_auc",
        "How well customers who leave are ranked above those who stay; 0.5 is chance."),
        _performance("PR-AUC", "pr_auc", "How pure the top of the list is; chance is the share of leavers."),
        _performance("Brier score", "brier", "Mean squared error of the probabilities; lower is better."),
        _performance(
            "Calibration slope", "calibration_slope", "1 is right; below 1 the probabilities are too extreme.",
        ),
        _performance(
            "Calibration error", "calibration_error",
            "Mean gap between predicted and observed share; noise alone makes "
            "it positive.", "percentunit",
        ),
        Panel(
            title="Outcomes known", unit="short", span=8, page="performance",
            text="Customers of each version whose horizon has passed and whose outcome is known: few make wide "
            "intervals.",
            waits_for="`churn performance` has measured",
            queries=(("max by (version) (churn_performance_labelled_customers)", "version {{version}}"),),
        ),
        _part("By segment", "segment", "The chosen measure in each segment of the version's customers."),
        _part("By door", "door", "The chosen measure by the door that answered: all should be alike."),
        _part("By week", "week", "The chosen measure by the week in which the customer was asked about."),
    ),
)  # fmt: skip

SHADOW = Row(
    "Shadow against production",
    (
        Panel(
            title="Agreement", unit="percentunit", is_from_zero=False, span=8, decimals=1, page="observability",
            text="Share of the shadow's decisions that are production's too. `churn shadow report` compares them on "
            "the "
            "same customers.", waits_for="a shadow is set and customers came",
            queries=(("max by (version) (churn_shadow_agreement)", "version {{version}}"),),
        ),
        Panel(
            title="Scored by the shadow", unit="cps", span=8, page="observability",
            text="Live customers that the shadow scored per second, beside those that production answered.",
            queries=(
                (f"max by (version) (rate(churn_shadow_predictions_total{WINDOW}))", "shadow {{version}}"),
                (f"sum(rate(churn_predictions_total{WINDOW}))", "production"),
            ),
        ),
        Panel(
            title="Shadow failed", runbook="ChurnShadowFailing", unit="short", span=8, decimals=0,
            page="observability", steps=((1, "yellow"),),
            text="Live customers of the last hour that the shadow was to score and did not.",
            waits_for="a shadow is set",
            queries=(("max by (version) (increase(churn_shadow_failures_total[1h]))", "version {{version}}"),),
        ),
    ),
)  # fmt: skip

CANARY = Row(
    "Canary beside production",
    (
        Panel(
            title="Canary's share", unit="percentunit", span=6, decimals=1, page="canary",
            text="Share of the customers whom the canary answers, by door; both should be equal. 0: there is none.",
            queries=(("max by (door) (churn_canary_share)", "{{door}}"),),
        ),
        Panel(
            title="Answered by version", unit="cps", span=6, page="canary", is_stacked=True,
            text="Customers answered per second, by the version that answered.",
            queries=((
                f"sum by (model_version) (rate(churn_predictions_total{WINDOW}))", "version {{model_version}}",
            ),),
        ),
        Panel(
            title="Scoring time by version", unit="s", span=6, page="canary",
            text="95th percentile of the runs that scored (and explained) a customer of /predict, by version.",
            waits_for="the first prediction",
            queries=((
                "histogram_quantile(0.95, sum by (le, model_version) "
                f"(rate(churn_version_scoring_duration_seconds_bucket{WINDOW})))", "version {{model_version}}",
            ),),
        ),
        Panel(
            title="Failed by version", runbook="ChurnCanaryFailing", unit="short", span=6, decimals=0, page="canary",
            steps=((1, "yellow"),),
            text="Customers of the last hour whom a version failed on, and those of the canary whom production "
            "answered instead.",
            queries=(
                ("sum by (model_version) (increase(churn_version_failures_total[1h]))", "failed, {{model_version}}"),
                ("sum by (model_version) (increase(churn_canary_fallbacks_total[1h]))", "instead, {{model_version}}"),
            ),
        ),
    ),
)  # fmt: skip

MODEL = Board(
    "model", "Churn: model",
    "For data scientists: is the version in production still true of the customers who are asked about?",
    (NOW, PREDICTIONS, DRIFTED, QUALITY, PERFORMANCE, SHADOW, CANARY), since="now-24h",
    variables=("version", "measure"),
)  # fmt: skip
