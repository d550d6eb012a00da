"""The Pipelines board: did everything run that should have, and what came of it?"""

from monitoring.boards.panel import UP, Board, Panel, Row

DAY = ((90_000, "yellow"), (180_000, "red"))
NO_RUN = "`churn drift`, `performance`, `retrain` or `score` has run"

NOW = Row(
    "Now",
    (
        Panel(
            title="Stores", runbook="ChurnStoreDown", kind="stat", unit="none", span=7, states=UP, page="reliability",
            text="Whether the registry and the SQL store answer the exporter. What is away is not shown below.",
            queries=(
                ('max(churn_registry_up{job="churn-exporter"})', "registry"),
                ("max(churn_store_up)", "SQL store"),
            ),
        ),
        Panel(
            title="In production", runbook="ChurnNoProductionVersion", kind="stat", unit="none", span=3,
            page="api", leads_to=("mlflow",),
            text="The version that the registry's alias names; 0 is none.",
            queries=(("max(churn_production_version)", "version"),),
        ),
        Panel(
            title="Production last moved", kind="stat", unit="s", span=5, page="jobs", leads_to=("mlflow",),
            text="How long ago the alias was last given or given back.",
            queries=(("time() - max(churn_promotion_last_timestamp_seconds)", "ago"),),
        ),
        Panel(
            title="Retraining last decided", runbook="ChurnStageStale", kind="stat", unit="s", span=5,
            page="retraining", steps=DAY,
            text="How long ago `churn retrain` last decided whether to train.", waits_for="`churn retrain` has decided",
            queries=(("time() - max(churn_retrain_last_decision_timestamp_seconds)", "ago"),),
        ),
        Panel(
            title="Jobs waiting", runbook="ChurnJobsWait", kind="stat", unit="short", span=4, decimals=0, page="jobs",
            text="Jobs that doors have queued and no runner has taken.", steps=((5, "yellow"), (15, "red")),
            queries=(('sum(churn_jobs{status="queued"}) or vector(0)', "queued"),),
        ),
    ),
)  # fmt: skip

STAGES = Row(
    "Scheduled stages",
    (
        Panel(
            title="Stages", runbook="ChurnStageNeverRan", kind="table", unit="s", span=12,
            page="retraining", waits_for=NO_RUN, steps=DAY,
            text="How long the last finished run of each stage took, how often it failed, and how long ago it ended "
            "well.",
            queries=(
                ("max by (stage) (churn_stage_last_run_seconds)", "took"),
                ("time() - max by (stage) (churn_stage_last_run_timestamp_seconds)", "began ago"),
                ("time() - max by (stage) (churn_stage_last_success_timestamp_seconds)", "ended well ago"),
            ),
        ),
        Panel(
            title="Since it ended well", runbook="ChurnStageStale", unit="s", span=12, height=9,
            page="retraining", steps=DAY, waits_for=NO_RUN,
            text="How long ago each stage last ended well: a saw whose teeth should be a day high.",
            queries=(("time() - max by (stage) (churn_stage_last_success_timestamp_seconds)", "{{stage}}"),),
        ),
        Panel(
            title="Failed runs", runbook="ChurnStageFailing", unit="short", span=12, decimals=0,
            page="retraining", steps=((1, "red"),),
            text="Runs of the last 24 hours that failed, by stage; the SQL table stage_runs says why.",
            queries=(("sum by (stage) (increase(churn_stage_failures_total[24h]))", "{{stage}}"),),
        ),
        Panel(
            title="How long they take", unit="s", span=12, page="retraining", waits_for=NO_RUN,
            text="Duration of the last finished run, by stage.",
            queries=(("max by (stage) (churn_stage_last_run_seconds)", "{{stage}}"),),
        ),
    ),
)  # fmt: skip

JOBS = Row(
    "Jobs that users asked for",
    (
        Panel(
            title="Queue", runbook="ChurnJobsWait", unit="short", span=12, decimals=0, page="jobs",
            is_stacked=True, steps=((15, "red"),),
            text="Jobs that wait or run, by kind. At 20 more are refused.",
            queries=(("sum by (kind, status) (churn_jobs)", "{{kind}} {{status}}"),),
        ),
        Panel(
            title="Jobs ended", runbook="ChurnJobFailed", unit="short", span=12, decimals=0, page="jobs",
            text="Jobs that ended, by kind and how.",
            queries=(("sum by (kind, status) (churn_jobs_ended_total)", "{{kind}} {{status}}"),),
        ),
    ),
)  # fmt: skip

PRODUCTION = Row(
    "Production and retraining",
    (
        Panel(
            title="Versions in production", kind="states", unit="none", span=12, page="jobs", leads_to=("mlflow",),
            text="Which version the alias named when; 0 is none.",
            queries=(("max(churn_production_version)", "production"),),
        ),
        Panel(
            title="Moves of production", runbook="ChurnPromotionRefused", unit="short", span=6, height=6,
            decimals=0, page="jobs",
            text="Promotions and rollbacks in the audit, by how they ended: refused by the gate, or failed.",
            queries=(('sum by (action, status) (churn_promotions_total{status!="prepared"})',
            "{{action}} {{status}}"),),
        ),
        Panel(
            title="Retraining decisions", unit="short", span=6, height=6, decimals=0, page="retraining",
            leads_to=("reports",),
            text="What `churn retrain` decided, each time it was asked; its reasons are kept with each decision.",
            queries=(("sum by (decision) (churn_retrain_decisions_total)", "{{decision}}"),),
        ),
    ),
)  # fmt: skip

RELEASES = Row(
    "Releases and the record",
    (
        Panel(
            title="Release under way", kind="states", unit="none", span=8, page="release",
            waits_for="a release is under way",
            text="Which version is at which stage on its way into production.",
            queries=(("max by (version, stage) (churn_release_stage)", "version {{version}}: {{stage}}"),),
        ),
        Panel(
            title="Releases ended", runbook="ChurnReleaseStopped", unit="short", span=6, height=6, decimals=0,
            page="release",
            text="How releases ended: done, held, rejected, stopped, rolled back.",
            queries=(("sum by (status) (churn_releases_total)", "{{status}}"),),
        ),
        Panel(
            title="What the gate said", unit="short", span=6, height=6, decimals=0, page="gate",
            text="Verdicts of the gate, by decision; the reasons are kept with each version.",
            queries=(("sum by (decision) (churn_gate_verdicts_total)", "{{decision}}"),),
        ),
        Panel(
            title="The log", runbook="ChurnLogBroken", kind="stat", unit="none", span=4, height=6, page="record",
            states=((0, "sound", "green"), (1, "BROKEN", "red")), waits_for="`churn audit verify` has run",
            text="Whether the last look at the whole log found every prediction and move as it was recorded.",
            queries=(("max(churn_log_broken)", "log"),),
        ),
        Panel(
            title="What the last judged version would earn", unit="short", span=12, decimals=2, page="gate",
            waits_for="the gate has compared a version with production",
            text="Its campaign less production's, per customer in the contract's currency, with a 95 % interval: "
            "an interval above 0 is promoted, one that holds 0 waits for labels.",
            queries=(("max by (bound) (churn_gate_profit_difference)", "{{bound}}"),),
        ),
        Panel(
            title="Moved behind our back", runbook="ChurnAliasMovedOutside", kind="states", unit="none", span=6,
            height=8, page="promotion", states=((0, "as logged", "green"), (1, "MOVED", "red")),
            text="Whether each alias is where our log says; `churn reconcile` notes what somebody else moved.",
            queries=(("max by (alias) (churn_alias_moved_outside)", "{{alias}}"),),
        ),
        Panel(
            title="Moves that have not ended", runbook="ChurnMoveUnfinished", unit="short", span=6, decimals=0,
            page="promotion", steps=((1, "red"),),
            text="Moves that were prepared and not ended: their process works, or died. `churn reconcile` ends them.",
            queries=(("max by (alias) (churn_moves_unfinished)", "{{alias}}"),),
        ),
    ),
)  # fmt: skip

STORED = Row(
    "What is stored",
    (
        Panel(
            title="Stored predictions", unit="short", span=8, page="jobs",
            text="Rows in the SQL store, by version.", waits_for="the first prediction is in the SQL store",
            queries=(("max by (version) (churn_predictions_stored_total)", "version {{version}}"),),
        ),
        Panel(
            title="Stored outcomes", unit="short", span=8, page="jobs",
            text="Outcomes in the SQL store.",
            queries=(("sum(churn_outcomes_stored_total) or vector(0)", "outcomes"),),
        ),
        Panel(
            title="How long scrapes take", runbook="ChurnExporterDown", unit="s", span=8,
            page="metrics", steps=((5, "yellow"), (9, "red")),
            text="Duration of a scrape: the stores are asked anew each time; Prometheus gives up after 10 s.",
            queries=(('max by (job) (scrape_duration_seconds{job=~"churn-.*"})', "{{job}}"),),
        ),
    ),
)  # fmt: skip

PIPELINES = Board(
    "pipelines", "Churn: pipelines",
    "For whoever runs it: did everything run that should have, and what came of it?",
    (NOW, STAGES, JOBS, PRODUCTION, RELEASES, STORED), since="now-24h",
)  # fmt: skip
