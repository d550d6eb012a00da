"""Drift: compare what the production version is asked now with what it was trained on.

Reads:  the recorded predictions of the production version, and the reference sample in its bundle.
Writes: a report for people and programs on disk and in the version's MLflow run; a drift run in the SQL store.
"""

import json
import logging
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import Engine

from churn.bundle.files import CONTRACT, OUTPUT
from churn.contract.reading import load_contract
from churn.scoring.prediction import Prediction, utc_text
from churn.stores.database import migrate, open_database
from churn.stores.drift import DriftMeasure, DriftRun, DriftStore
from churn.stores.predictions import PredictionStore
from monitoring.comparing import measure_drift
from monitoring.drift_parameters import DriftParameters
from monitoring.measures import Measure, decisive, drifted_share
from monitoring.production import Production, find_production
from monitoring.report_shelf import PAGE, SUMMARY, folder_name, log_to_run, shelve
from monitoring.settings import MonitoringSettings
from monitoring.windows import Window, live_window, reference_window

log = logging.getLogger(__name__)

EVIDENTLY = "evidently.json"

Status = Literal["drift", "no drift", "not enough data"]


@dataclass(frozen=True, slots=True)
class Found:
    """What the drift job found. Without enough data there are no measures, and no report.

    Attributes:
        run_id: run in MLflow of the version's training, where a copy of the report is; "" when MLflow did not answer.
        rows: customers in the live window that could be read.
        rows_per_hour: volume of the window.
        unreadable_rows: recorded rows that the version's contract does not hold for.
        drifted_share: share of the contract's columns that drifted, 0 … 1.
        prediction_drifted: whether the predicted probability drifted.
        measures: by column and method; the prediction is the column `churn_probability`.
        report: page for people.
    """

    status: Status
    message: str
    model: str
    version: int
    run_id: str
    at: str
    window_start: str
    rows: int
    rows_per_hour: float
    unreadable_rows: int
    reference_rows: int = 0
    drifted_share: float = 0.0
    prediction_drifted: bool = False
    measures: tuple[Measure, ...] = ()
    report: str | None = None

    def to_json(self) -> str:
        """Return everything for programs."""
        measures = [{**asdict(one), "is_drifted": one.is_drifted} for one in self.measures]
        return json.dumps({**asdict(self), "measures": measures}, indent=2)


def drift(since: datetime | None, parameters: DriftParameters, *, settings: MonitoringSettings) -> Found:
    """Compare the live window with the reference of the version in production.

    Args:
        since: start of the window; None: the parameters' `window_hours` ago.
        parameters: thresholds and sizes.
        settings: where everything is.

    Raises:
        NotFoundError: nothing is in production.
        StoreError: the SQL store did not answer, or the registry did not and no bundle is on disk.
    """
    now = datetime.now(UTC)
    start = since or now - timedelta(hours=parameters.window_hours)
    engine = _open(settings)
    production = find_production(settings)
    contract = load_contract(production.bundle / CONTRACT)
    live = live_window(contract, _recorded(engine, production.version, (start, now), parameters, settings=settings))
    found = _before_comparing(live, production, (start, now), settings=settings)
    if live.rows < parameters.min_rows:
        return replace(found, message=f"{found.message}; {parameters.min_rows} are needed")
    reference = reference_window(contract, production.bundle)
    measures, compared = measure_drift(contract, live, reference, parameters)
    folder = settings.drift_folder / folder_name(found.at, found.version)
    found = replace(_judged(found, measures, parameters), reference_rows=reference.rows, report=str(folder / PAGE))
    texts = {PAGE: compared.html, SUMMARY: found.to_json(), EVIDENTLY: compared.metrics}
    shelve(folder, texts, kept=parameters.kept_reports)
    log_to_run(settings.tracking_uri, found.run_id, folder)
    DriftStore(engine).add(_run_of(found), _measures_of(found))
    log.info("drift measured", extra={"status": found.status, "rows": found.rows, "share": found.drifted_share})
    return found


def _open(settings: MonitoringSettings) -> Engine:
    engine = open_database(settings.database_url)
    migrate(engine)
    return engine


def _recorded(
    engine: Engine,
    version: int,
    span: tuple[datetime, datetime],
    parameters: DriftParameters,
    *,
    settings: MonitoringSettings,
) -> list[Prediction]:
    """Return the newest answers that customers heard; a shadow's are not among them."""
    return PredictionStore(engine).window(
        settings.model, model_version=version, since=span[0], until=span[1], limit=parameters.max_rows
    )


def _before_comparing(
    live: Window, production: Production, span: tuple[datetime, datetime], *, settings: MonitoringSettings
) -> Found:
    start, end = span
    return Found(
        status="not enough data",
        message=f"{live.rows} predictions of version {production.version} since {utc_text(start)}",
        model=settings.model,
        version=production.version,
        run_id=production.run_id,
        at=utc_text(end),
        window_start=utc_text(start),
        rows=live.rows,
        rows_per_hour=live.rows / max((end - start).total_seconds() / 3600, 1e-9),
        unreadable_rows=live.unreadable,
    )


def _judged(found: Found, measures: tuple[Measure, ...], parameters: DriftParameters) -> Found:
    """Add the verdict: drift, when enough columns drifted, or the prediction did."""
    columns = decisive(measures)
    share = drifted_share(measures, leave_out=OUTPUT)
    drifted = [name for name, one in columns.items() if one.is_drifted]
    is_drift = share >= parameters.drifted_share_threshold or OUTPUT in drifted
    return replace(
        found,
        status="drift" if is_drift else "no drift",
        message=f"{found.message}: {len(drifted)} of {len(columns)} columns drifted",
        drifted_share=share,
        prediction_drifted=OUTPUT in drifted,
        measures=measures,
    )


def _run_of(found: Found) -> DriftRun:
    return DriftRun(
        model_name=found.model,
        model_version=found.version,
        at=found.at,
        window_start=found.window_start,
        window_end=found.at,
        rows=found.rows,
        drifted_share=found.drifted_share,
        is_drifted=found.status == "drift",
        report=found.report or "",
    )


def _measures_of(found: Found) -> list[DriftMeasure]:
    chosen = decisive(found.measures)
    return [
        DriftMeasure(
            one.column, one.method, one.value, one.threshold, one.is_drifted, is_decisive=chosen[one.column] == one
        )
        for one in found.measures
    ]
