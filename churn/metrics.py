"""The metric catalogue: every metric that this project exposes, once. Plain data: who counts brings the library.

Names follow https://prometheus.io/docs/practices/naming: prefix `churn_`, base units, `_total` for counters (not
written here: the client library adds it). A label has a bounded set of values, and never one that a customer sent.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
Origin = Literal["door", "attendant", "exporter"]
"""Who knows it. What the attendant knows, the doors of its home show."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: without the suffixes that the kind adds.
        text: what it says, in a sentence; its help.
        labels: their names.
        origins: which processes show it.
        buckets: upper bounds of a histogram.
    """

    name: str
    kind: Kind
    text: str
    labels: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ("exporter",)
    buckets: tuple[float, ...] = ()


LABELS = {
    "action": "register, promote, rollback, give, take, foreign",
    "alias": "production, canary, shadow, staging",
    "bound": "of an interval: low, high; value: the estimate itself",
    "churned": "1: the customer left; 0: stayed",
    "column": "a column of the contract; in drift also what is predicted",
    "decision": "of retraining: train, wait; of the gate: promote, hold, reject",
    "digest": "sha256 of a bundle",
    "dimension": "what customers are divided by: segment, door, week",
    "door": "bento, fastapi",
    "kind": "what a job does: retrain, activate, score",
    "measure": "roc_auc, brier_score, …",
    "method": "of HTTP: one of nine, or OTHER; of drift: psi, …",
    "name": "of the registered model",
    "neighbour": "front, redis, reports, worker, scheduler: those that CHURN_NEIGHBOURS names",
    "offer": "an offer of the contract; contact where it lists none",
    "part": "one segment, one door, one week of the window",
    "reason": "full, limit, not_ready",
    "risk_level": "LOW, MEDIUM, HIGH",
    "route": "template of a route, or unmatched",
    "segment": "a segment of the version's; empty where there are none",
    "source": "observed: from outcomes; estimated: before they arrive",
    "stage": "drift, performance, retrain, score, …; of a release: shadow, canary-1, …, promote, watch",
    "status": "of HTTP; of a move: prepared, done, refused, failed; of a job: queued, running, done, failed; "
    "of a release: done, held, …",
    "version": "a registered version's number",
    "model_version": "the same, in what is counted by prediction",
    "worker": "number of a process; a dead one's is forgotten",
}
"""Label → its values, which are few."""

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
SCORING_BUCKETS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0015, 0.0025, 0.0035, 0.005, 0.0075, 0.01),
    *(0.015, 0.025, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 1.0),
)
"""Close to one another where versions are: the watch knows times by these bounds only, and rounds up twice."""
PROBABILITY_BUCKETS = tuple(step / 20 for step in range(1, 20))

DOOR: tuple[Origin, ...] = ("door",)
HTTP_REQUESTS = Metric(
    "churn_http_requests", "counter", "Requests answered.", ("door", "route", "method", "status"), DOOR
)
HTTP_REQUEST_DURATION = Metric(
    "churn_http_request_duration_seconds",
    "histogram",
    "From the request's head to the last byte of its answer.",
    ("door", "route"),
    DOOR,
    LATENCY_BUCKETS,
)
HTTP_IN_FLIGHT = Metric(
    "churn_http_requests_in_flight",
    "gauge",
    "Requests that workers had in hand at a time: the most within about the last half second.",
    ("door",),
    DOOR,
)
HTTP_IN_FLIGHT_LIMIT = Metric(
    "churn_http_requests_in_flight_limit",
    "gauge",
    "Requests that a door's living workers may have in hand.",
    ("door",),
    DOOR,
)
DOOR_CPU = Metric(
    "churn_door_cpu_seconds", "counter", "How long a door's workers have used a processor core.", ("door",), DOOR
)
DOOR_MEMORY = Metric(
    "churn_door_resident_memory_bytes", "gauge", "Memory that a door's living workers hold.", ("door",), DOOR
)
HTTP_REFUSED = Metric(
    "churn_http_requests_refused",
    "counter",
    "Requests refused for want of room (full), by a limit (limit), or because no model or store is there (not_ready).",
    ("door", "reason"),
    DOOR,
)
PREDICTIONS = Metric("churn_predictions", "counter", "Customers scored.", ("door", "model_version", "risk_level"), DOOR)
PROBABILITY = Metric(
    "churn_predicted_probability",
    "histogram",
    "Predicted probability of churn.",
    ("door", "model_version"),
    DOOR,
    PROBABILITY_BUCKETS,
)
VERSION_SCORING = Metric(
    "churn_version_scoring_duration_seconds",
    "histogram",
    "How long the run took that scored (and explained) a customer of `POST /predict`, by the version that was asked.",
    ("door", "model_version"),
    DOOR,
    SCORING_BUCKETS,
)
VERSION_FAILURES = Metric(
    "churn_version_failures",
    "counter",
    "Customers whom a version failed on: it raised, gave no probability, or its contract does not hold for the row.",
    ("door", "model_version"),
    DOOR,
)
CANARY_FALLBACKS = Metric(
    "churn_canary_fallbacks",
    "counter",
    "Customers of the canary whom production answered, because the canary failed on them.",
    ("door", "model_version"),
    DOOR,
)
CANARY_SHARE = Metric(
    "churn_canary_share",
    "gauge",
    "What part of the customers the canary answers, 1: all; 0: there is none.",
    ("door",),
    DOOR,
)
OFFERS_RECOMMENDED = Metric(
    "churn_offers_recommended", "counter", "Offers recommended, at most three a customer.", ("door", "offer"), DOOR
)
INPUT_MISSING = Metric("churn_input_missing", "counter", "Values that were missing.", ("column",), DOOR)
INPUT_UNKNOWN = Metric("churn_input_unknown", "counter", "Values outside the contract's categories.", ("column",), DOOR)
ROWS_REJECTED = Metric("churn_rows_rejected", "counter", "Rows of batches that were set aside.", ("door",), DOOR)
MODEL_INFO = Metric(
    "churn_model_info", "gauge", "Workers that serve this version now.", ("door", "name", "version", "digest"), DOOR
)
MODEL_VERSION = Metric(
    "churn_model_version", "gauge", "Version that a worker serves; 0: none yet.", ("door", "worker"), DOOR
)
MODEL_LOADED = Metric(
    "churn_model_loaded_timestamp_seconds", "gauge", "When a worker last began to serve a version.", ("door",), DOOR
)
LOAD_FAILURES = Metric(
    "churn_model_load_failures", "counter", "Bundles that a worker refused to serve.", ("door",), DOOR
)
RECORDER_MEMORY = Metric(
    "churn_recorder_memory",
    "gauge",
    "Predictions that wait in workers' memory because the disk takes none.",
    ("door",),
    DOOR,
)
RECORDER_LOST = Metric(
    "churn_recorder_lost", "counter", "Predictions that were answered and could not be recorded.", ("door",), DOOR
)

HOME: tuple[Origin, ...] = ("attendant",)
RECORDER_BACKLOG = Metric(
    "churn_recorder_backlog", "gauge", "Predictions on disk, not yet in the SQL store.", origins=HOME
)
ATTENDANT_UP = Metric("churn_attendant_up", "gauge", "1: the attendant of this home is at work.", origins=HOME)
REGISTRY_UP = Metric(
    "churn_registry_up",
    "gauge",
    "1: the registry answers; at a door: it answered the attendant last time.",
    origins=("attendant", "exporter"),
)
REGISTRY_SYNC = Metric(
    "churn_registry_last_sync_timestamp_seconds",
    "gauge",
    "When the registry last answered the attendant.",
    origins=HOME,
)
DATABASE_UP = Metric(
    "churn_database_up", "gauge", "1: the SQL store took the attendant's records last time.", origins=HOME
)
QUARANTINED = Metric("churn_bundles_quarantined", "gauge", "Versions whose bundle does not hold.", origins=HOME)
SHADOW_PREDICTIONS = Metric(
    "churn_shadow_predictions", "counter", "Live customers that the shadow scored.", ("version",), HOME
)
SHADOW_FAILURES = Metric(
    "churn_shadow_failures",
    "counter",
    "Live customers that the shadow was to score and did not: it failed, or its contract does not hold for them.",
    ("version",),
    HOME,
)
SHADOW_AGREEMENT = Metric(
    "churn_shadow_agreement", "gauge", "Share of the shadow's decisions that are production's too.", ("version",), HOME
)

STORE_UP = Metric("churn_store_up", "gauge", "1: the SQL store answers.")
NEIGHBOUR_UP = Metric(
    "churn_neighbour_up", "gauge", "1: a service that shows no metrics answers the exporter.", ("neighbour",)
)
PRODUCTION_VERSION = Metric("churn_production_version", "gauge", "Version in production; 0: none.")
PREDICTIONS_STORED = Metric(
    "churn_predictions_stored", "counter", "Predictions in the SQL store, by version.", ("version",)
)
PROMOTIONS = Metric("churn_promotions", "counter", "Moves of aliases in the log.", ("action", "status"))
PROMOTION_LAST = Metric("churn_promotion_last_timestamp_seconds", "gauge", "When an alias last moved.", ("action",))
ALIAS_OUTSIDE = Metric(
    "churn_alias_moved_outside",
    "gauge",
    "1: the alias is not where our log says, and we are not moving it: somebody moved it behind our back.",
    ("alias",),
)
MOVES_UNFINISHED = Metric("churn_moves_unfinished", "gauge", "Moves that were prepared and have not ended.", ("alias",))
GATE_VERDICTS = Metric("churn_gate_verdicts", "counter", "What the gate said of versions.", ("decision",))
GATE_PROFIT = Metric(
    "churn_gate_profit_difference",
    "gauge",
    "What the version that was judged last earns more than production, per customer, with its 95 % interval.",
    ("bound",),
)

DRIFT_LAST_RUN = Metric("churn_drift_last_run_timestamp_seconds", "gauge", "When the drift job last measured.")
DRIFT_ENOUGH = Metric("churn_drift_enough_data", "gauge", "0: the last window was too small to say anything.")
DRIFT_ROWS = Metric("churn_drift_window_rows", "gauge", "Customers in the last live window.")
DRIFT_UNREADABLE = Metric(
    "churn_drift_unreadable_rows",
    "gauge",
    "Customers in the last live window whose row the version's contract does not hold for.",
)
DRIFT_VOLUME = Metric("churn_drift_volume_changed", "gauge", "1: there are far more or fewer customers than usual.")
DRIFT_VERSION = Metric("churn_drift_model_version", "gauge", "Version that the last run looked at.")
DRIFT_SHARE = Metric("churn_drift_drifted_share_ratio", "gauge", "Share of columns that drifted.")
DRIFT_DETECTED = Metric("churn_drift_detected", "gauge", "1: the last window as a whole drifted.")
DRIFT_PREDICTION = Metric("churn_drift_prediction_detected", "gauge", "1: the predicted probability drifted.")
DRIFT_PROFIT = Metric(
    "churn_drift_profit_change", "gauge", "Change of expected profit per customer, in the contract's currency."
)
DRIFT_SCORE = Metric(
    "churn_drift_score", "gauge", "Distance from the reference, by column and method.", ("column", "method")
)
DRIFT_THRESHOLD = Metric(
    "churn_drift_threshold", "gauge", "Distance from which the method calls it drift.", ("column", "method")
)
DRIFT_COLUMN = Metric("churn_drift_is_drifted", "gauge", "1: the column drifted.", ("column",))

PER_MEASURE = ("version", "measure", "source")
PERFORMANCE_LAST_RUN = Metric(
    "churn_performance_last_run_timestamp_seconds", "gauge", "When performance was last measured."
)
PERFORMANCE_LABELLED = Metric(
    "churn_performance_labelled_customers", "gauge", "Customers whose outcome is known.", ("version",)
)
PERFORMANCE_VALUE = Metric("churn_performance_value", "gauge", "A measure of a version's predictions.", PER_MEASURE)
PERFORMANCE_LOW = Metric("churn_performance_low", "gauge", "Lower end of the measure's 95 % interval.", PER_MEASURE)
PERFORMANCE_HIGH = Metric("churn_performance_high", "gauge", "Upper end of the measure's 95 % interval.", PER_MEASURE)
PERFORMANCE_REFERENCE = Metric(
    "churn_performance_reference", "gauge", "A measure of a version on held-out customers.", ("version", "measure")
)
PERFORMANCE_PART = Metric(
    "churn_performance_part_value",
    "gauge",
    "A measure in one part of the customers: a segment, a door, a time.",
    ("version", "dimension", "part", "measure"),
)
PERFORMANCE_DEGRADED = Metric(
    "churn_performance_degraded", "gauge", "1: surely worse than on held-out customers.", ("version",)
)
OUTCOMES_STORED = Metric("churn_outcomes_stored", "counter", "Outcomes in the SQL store.", ("churned",))

CUSTOMERS = Metric(
    "churn_customers",
    "gauge",
    "Customers who were predicted for in the last 30 days, by their newest prediction.",
    ("segment", "risk_level"),
)
REVENUE_AT_RISK = Metric(
    "churn_revenue_at_risk",
    "gauge",
    "Expected loss of the customers of the last 30 days, in the contract's currency.",
    ("segment",),
)
EXPECTED_PROFIT = Metric(
    "churn_expected_profit",
    "gauge",
    "What contacting those whom it pays to contact would earn, in the contract's currency.",
    ("segment",),
)
CUSTOMERS_COUNTED = Metric(
    "churn_customers_counted_timestamp_seconds", "gauge", "When customers and their money were last counted."
)

RELEASE_STAGE = Metric(
    "churn_release_stage", "gauge", "1: this version's release is at this stage now.", ("version", "stage")
)
RELEASES = Metric("churn_releases", "counter", "Releases that ended.", ("status",))
JOBS = Metric("churn_jobs", "gauge", "Jobs that wait or run.", ("kind", "status"))
JOBS_ENDED = Metric("churn_jobs_ended", "counter", "Jobs that ended.", ("kind", "status"))
STAGE_LAST_SUCCESS = Metric(
    "churn_stage_last_success_timestamp_seconds", "gauge", "When a stage last ended well.", ("stage",)
)
STAGE_LAST_RUN = Metric("churn_stage_last_run_timestamp_seconds", "gauge", "When a stage last began.", ("stage",))
STAGE_LAST_SECONDS = Metric(
    "churn_stage_last_run_seconds", "gauge", "How long a stage's last finished run took.", ("stage",)
)
STAGE_FAILURES = Metric("churn_stage_failures", "counter", "Runs of a stage that failed.", ("stage",))
LOG_BROKEN = Metric(
    "churn_log_broken", "gauge", "1: the last look at the whole log found something that is not as it was recorded."
)
RETRAIN_DECISIONS = Metric("churn_retrain_decisions", "counter", "Decisions of `churn retrain`.", ("decision",))
RETRAIN_LAST = Metric("churn_retrain_last_decision_timestamp_seconds", "gauge", "When `churn retrain` last decided.")

CATALOGUE = tuple(each for each in tuple(globals().values()) if isinstance(each, Metric))
"""All of them, in this order."""

EXPORTED = tuple(each for each in CATALOGUE if "exporter" in each.origins)
"""What the exporter reads from the stores."""
