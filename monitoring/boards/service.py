"""The Service board: is every request answered, soon, and by the version that is in production?"""

from monitoring.boards.panel import UP, WINDOW, Board, Panel, Row

REQUESTS = 'churn_http_requests_total{door=~"$door"}'
FAILED = 'churn_http_requests_total{door=~"$door",status=~"5.."}'
SECONDS = "churn_http_request_duration_seconds_bucket"
OUR_JOBS = 'job=~"churn-.*"'


def _error_ratio(window: str, by: str = "") -> str:
    """Without errors there is no series of them: the ratio is 0, not nothing."""
    every = f"sum{by} (rate({REQUESTS}{window}))"
    return f"((sum{by} (rate({FAILED}{window})) or {every} * 0) / {every})"


def _left(promise: str, failed: str, asked: str) -> str:
    """Share of a promise's budget of 30 days that is left."""
    ratio = f"avg_over_time(service:{failed}:rate5m[30d]) / (avg_over_time(service:{asked}:rate5m[30d]) > 0)"
    return f"1 - {ratio} / (1 - service:churn_{promise}:objective)"


def _burn_rates(promise: str) -> tuple[tuple[str, str], ...]:
    return tuple((f"service:churn_{promise}:burn_rate{span}", span) for span in ("5m", "1h", "6h", "3d"))


def _quantile(share: float, by: str, where: str) -> str:
    return f"histogram_quantile({share}, sum by (le, {by}) (rate({SECONDS}{{{where}}}{WINDOW})))"


def _percentile(share: float) -> tuple[str, str]:
    return _quantile(share, "door", 'door=~"$door",route="/predict"'), f"p{share * 100:.0f} {{{{door}}}}"


NOW = Row(
    "Now",
    (
        Panel(
            title="Reached by Prometheus", runbook="ChurnDoorDown", kind="stat", unit="none", span=6, states=UP,
            page="observability",
            text="Doors and exporter that Prometheus reaches, and the services that the exporter asks for a word. A "
            "door that is down answers nobody.",
            queries=(
                (f"min by (job) (up{{{OUR_JOBS}}})", "{{job}}"),
                ("min by (neighbour) (churn_neighbour_up)", "{{neighbour}}"),
            ),
        ),
        Panel(
            title="Alerts firing", kind="stat", unit="none", span=3, steps=((1, "red"),), page="alerts",
            text="How many alerts fire now; the table below names them.",
            queries=(('count(ALERTS{alertstate="firing",alertname!="ChurnWatchdog"}) or vector(0)', "firing"),),
        ),
        Panel(
            title="Availability budget left", runbook="ChurnAvailabilityBurns", kind="stat", unit="percentunit",
            span=5, decimals=1, page="alerts",
            text="Of the requests that may fail in 30 days, or since Prometheus knows the doors, what is left.",
            waits_for="the first request that is no probe",
            queries=((_left("availability", "churn_http_errors", "churn_http_requests"), "left"),),
            steps=((-1e9, "red"), (0, "orange"), (0.25, "green")),
        ),
        Panel(
            title="Latency budget left", runbook="ChurnLatencyBurns", kind="stat", unit="percentunit",
            span=5, decimals=1, page="alerts",
            text="Of the 1 % of predictions that may take longer than 250 ms in 30 days, what is left.",
            waits_for="the first prediction",
            queries=((_left("latency", "churn_predict_slow", "churn_predict_requests"), "left"),),
            steps=((-1e9, "red"), (0, "orange"), (0.25, "green")),
        ),
        Panel(
            title="In production", runbook="ChurnNoProductionVersion", kind="stat", unit="none", span=5,
            page="api", leads_to=("mlflow",),
            text="The version that the registry's alias names, and those that workers serve: they should be the same.",
            queries=(
                ("max(churn_production_version)", "alias"),
                ('max by (door) (churn_model_version{door=~"$door"})', "{{door}}"),
            ),
        ),
    ),
)  # fmt: skip

RED = Row(
    "Requests, errors, duration",
    (
        Panel(
            title="Requests", unit="reqps", page="api", is_stacked=True,
            colours=((".* 5..", "red"),),
            text="Answers per second, by door and status. Probes and scrapes are among them.",
            queries=((f"sum by (door, status) (rate({REQUESTS}{WINDOW}))", "{{door}} {{status}}"),),
        ),
        Panel(
            title="Error ratio", runbook="ChurnAvailabilityBurnsFast", unit="percentunit", page="alerts",
            steps=((0.001, "yellow"), (0.01, "red")),
            text="Share of the answers that were the service's fault (5xx), by door.",
            queries=((_error_ratio(WINDOW, " by (door)"), "{{door}}"),),
        ),
        Panel(
            title="Latency of predictions", runbook="ChurnDoorSlow", unit="s", page="alerts", steps=((0.1,
            "yellow"), (0.25, "red")),
            text="From the head of a request to /predict to the last byte of its answer, estimated from a histogram.",
            waits_for="the first prediction", queries=(_percentile(0.5), _percentile(0.95), _percentile(0.99)),
        ),
        Panel(
            title="Requests by route", unit="reqps", page="api",
            text="Answers per second, by the template of the route; what no route takes is `unmatched`.",
            queries=((f"sum by (route) (rate({REQUESTS}{WINDOW}))", "{{route}}"),),
        ),
        Panel(
            title="Errors by route", unit="reqps", page="api", steps=((0.001, "red"),),
            text="Answers per second with a status from 500, by route; 0 when there are none.",
            queries=((f"sum by (route) (rate({FAILED}{WINDOW})) or sum by (route) (rate({REQUESTS}{WINDOW})) * 0",
                      "{{route}}"),),
        ),
        Panel(
            title="Slowest routes", unit="s", page="api",
            text="The 95th percentile of the duration, by route.",
            queries=((_quantile(0.95, "route", 'door=~"$door"'), "{{route}}"),),
        ),
    ),
)  # fmt: skip

OBJECTIVES = Row(
    "Objectives: 99.9 % without errors, 99 % of predictions within 250 ms",
    (
        Panel(
            title="Burn rate of availability", runbook="ChurnAvailabilityBurns", unit="none", span=12,
            page="alerts", decimals=2,
            text="How many times too fast the budget of errors is used up; 1 lasts exactly 30 days. A page is sent at "
            "14.4 over 1 h and at 6 over 6 h, a ticket at 1 over 3 days.",
            waits_for="the first request that is no probe",
            queries=_burn_rates("availability"),
            steps=((1, "yellow"), (6, "orange"), (14.4, "red")),
        ),
        Panel(
            title="Burn rate of latency", runbook="ChurnLatencyBurns", unit="none", span=12, page="alerts", decimals=2,
            text="How many times too fast the budget of slow predictions is used up; read as the one beside it.",
            waits_for="the first prediction",
            queries=_burn_rates("latency"),
            steps=((1, "yellow"), (6, "orange"), (14.4, "red")),
        ),
    ),
)  # fmt: skip

SATURATION = Row(
    "Saturation",
    (
        Panel(
            title="Requests in hand", span=6, runbook="ChurnDoorFull", unit="percentunit", page="api", steps=((0.5,
            "yellow"), (0.9, "red")),
            text="The most requests that a door had in hand at a time, as a share of what it allows; at 100 % it "
            "refuses.",
            queries=((
                'sum by (door) (churn_http_requests_in_flight{door=~"$door"}) '
                '/ sum by (door) (churn_http_requests_in_flight_limit{door=~"$door"})', "{{door}}",
            ),),
        ),
        Panel(
            title="Refused", span=6, runbook="ChurnDoorFull", unit="reqps", page="api", steps=((0.1, "yellow"), (1,
            "red")),
            text="Requests that were told to come again: for want of room, by a caller's limit, or because no model or "
            "store was there.",
            queries=((f'sum by (door, reason) (rate(churn_http_requests_refused_total{{door=~"$door"}}{WINDOW}))',
                      "{{door}} {{reason}}"),),
        ),
        Panel(
            title="Waiting for the SQL store", span=6, runbook="ChurnRecorderBacklogGrows", unit="short",
            page="reliability",
            text="Predictions that are answered and not yet in the SQL store: on disk, and in memory when the disk "
            "takes none.",
            steps=((10_000, "yellow"), (100_000, "red")),
            queries=(
                ("max(churn_recorder_backlog)", "on disk"),
                ('sum by (door) (churn_recorder_memory{door=~"$door"})', "in memory, {{door}}"),
            ),
        ),
        Panel(
            title="Lost", span=6, runbook="ChurnPredictionsLost", unit="short", page="reliability", steps=((1,
            "red"),), decimals=0,
            text="Predictions that were answered and could not be recorded, within the last hour; there should be "
            "none.",
            queries=(('sum by (door) (increase(churn_recorder_lost_total{door=~"$door"}[1h]))', "{{door}}"),),
        ),
        Panel(
            title="Processors", unit="short", page="observability", decimals=2,
            text="Processor cores that a door's workers use all together, and those of the watching processes.",
            queries=(
                (f'sum by (door) (rate(churn_door_cpu_seconds_total{{door=~"$door"}}{WINDOW}))', "{{door}}"),
                (f"sum by (job) (rate(process_cpu_seconds_total{WINDOW}))", "{{job}}"),
            ),
        ),
        Panel(
            title="Memory", unit="bytes", page="observability",
            text="Memory that a door's workers hold all together, and that of the watching processes.",
            queries=(
                ('sum by (door) (churn_door_resident_memory_bytes{door=~"$door"})', "{{door}}"),
                ("sum by (job) (process_resident_memory_bytes)", "{{job}}"),
            ),
        ),
        Panel(
            title="Open files", unit="percentunit", page="observability", steps=((0.7, "yellow"), (0.9, "red")),
            text="Open files and connections of the watching processes, as a share of what each may open.",
            queries=(("max by (job) (process_open_fds / process_max_fds)", "{{job}}"),),
        ),
    ),
)  # fmt: skip

DOORS = Row(
    "Doors and versions",
    (
        Panel(
            title="Version per worker", runbook="ChurnVersionsDiverge", kind="states", unit="none", span=12, height=8,
            page="reliability", leads_to=("mlflow",),
            text="What each worker serves. After a promotion all should agree within 5 s; 0 is none.",
            queries=(('max by (door, worker) (churn_model_version{door=~"$door"})', "{{door}} {{worker}}"),),
        ),
        Panel(
            title="Predictions by door", runbook="ChurnFallbackInUse", unit="percentunit", span=6,
            page="reliability", is_stacked=True,
            text="Share of the predictions that each door answered: the fallback's should be 0 while BentoML is well.",
            waits_for="the first prediction",
            queries=((
                f"sum by (door) (rate(churn_predictions_total{WINDOW})) / on () group_left () "
                f"(sum(rate(churn_predictions_total{WINDOW})) > 0)", "{{door}}",
            ),),
        ),
        Panel(
            title="Bundles refused", runbook="ChurnBundleRefused", unit="short", span=6, page="reliability",
            steps=((1, "red"),), decimals=0,
            text="Bundles that workers refused to serve within the last hour, and versions that are set aside as "
            "broken.",
            queries=(
                ('sum by (door) (increase(churn_model_load_failures_total{door=~"$door"}[1h]))', "refused, {{door}}"),
                ("max(churn_bundles_quarantined)", "set aside"),
            ),
        ),
        Panel(
            title="What the doors lean on", runbook="ChurnAttendantDown", kind="states", unit="none",
            span=12, height=8, states=UP, page="reliability",
            text="Attendant, registry and SQL store, as the doors see them. Predictions go on without each of them.",
            queries=(
                ("min(churn_attendant_up)", "attendant"),
                ('min(churn_registry_up{job!="churn-exporter"})', "registry"),
                ("min(churn_database_up)", "SQL store"),
            ),
        ),
        Panel(
            title="Registry last answered", runbook="ChurnRegistryDown", unit="s", span=6, page="reliability",
            steps=((60, "yellow"), (600, "red")),
            text="How long ago the registry last answered the attendant.",
            queries=(("time() - max(churn_registry_last_sync_timestamp_seconds > 0)", "age"),),
        ),
        Panel(
            title="Serving since", unit="s", span=6, page="reliability",
            text="How long the workers of a door have served their newest version.",
            queries=(('time() - max by (door) (churn_model_loaded_timestamp_seconds{door=~"$door"})', "{{door}}"),),
        ),
    ),
)  # fmt: skip

ALERTS = Row(
    "Alerts",
    (
        Panel(
            title="Firing and pending", kind="table", unit="none", span=24, page="alerts", height=7,
            hidden=("__name__",),
            text="Alerts that fire, or will if they last. Each has a page in docs/runbooks/ under its name. "
            "ChurnWatchdog always fires, to show that rules are judged.",
            queries=(("ALERTS", "active"),),
        ),
    ),
)  # fmt: skip

SERVICE = Board(
    "service", "Churn: service",
    "For whoever is on call: is every request answered, soon, and by the version that is in production?",
    (NOW, RED, OBJECTIVES, SATURATION, DOORS, ALERTS), since="now-1h", variables=("door",),
)  # fmt: skip
