"""Drift: compare what a version is asked now with what it was trained on.

Reads:  the recorded predictions of the version in production, and the reference sample in its bundle.
Writes: a report for people and programs on disk and in the version's MLflow run; a drift run in the SQL store.
"""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from churn.bundle.files import CONTRACT, OUTPUT
from churn.contract.contract import Contract
from churn.contract.reading import load_contract
from churn.scoring.prediction import Prediction, utc_text
from churn.stores.database import open_migrated
from churn.stores.drift import DriftStore
from churn.stores.predictions import PredictionStore
from churn.stores.traffic import TrafficStore
from monitoring.comparing import Compared, measure_drift
from monitoring.drift_found import Found
from monitoring.drift_parameters import DriftParameters
from monitoring.drift_picture import draw_drift
from monitoring.drift_summary import drift_summary
from monitoring.drift_words import verdict_words
from monitoring.evidently_report import compare
from monitoring.measures import PSI, decisive, drifted_share
from monitoring.production import Production, find_production, find_version
from monitoring.profit_change import measure_profit_change
from monitoring.report_shelf import EVIDENTLY, PAGE, PICTURE, SUMMARY, WORDS, folder_name, log_to_run, shelve
from monitoring.settings import MonitoringSettings
from monitoring.volume import Volume, measure_volume
from monitoring.windows import Window, live_window, newest_of_each, reference_window

log = logging.getLogger(__name__)

Span = tuple[datetime, datetime]


def drift(
    since: datetime | None, parameters: DriftParameters, *, settings: MonitoringSettings, version: int | None = None
) -> Found:
    """Compare the live window with the reference of the version that served it.

    Args:
        since: start of the window; None: the parameters' `window_hours` ago.
        parameters: thresholds and sizes.
        settings: where everything is.
        version: which version; None: the one in production.

    Raises:
        NotFoundError: nothing is in production, or there is no such version.
        StoreError: the SQL store did not answer, or the registry did not and no bundle is on disk.
    """
    now = datetime.now(UTC)
    span = (since or now - timedelta(hours=parameters.window_hours), now)
    engine = open_migrated(settings.database_url)
    served = find_production(settings) if version is None else find_version(settings, version)
    contract = load_contract(served.bundle / CONTRACT)
    recorded = _recorded(engine, served.version, span, parameters, settings=settings)
    live = live_window(contract, newest_of_each(recorded))
    volume = measure_volume(TrafficStore(engine), settings.model, span)
    found = replace(_seen(live, served, span, volume, settings=settings), predictions=len(recorded))
    if live.rows >= parameters.min_rows:
        found = _compared(found, live, served, contract, parameters=parameters, settings=settings)
    else:
        found = replace(found, message=verdict_words(found, needed_rows=parameters.min_rows))
    DriftStore(engine).add(found.run(), found.stored_measures())
    log.info("drift measured", extra={"status": found.status, "rows": found.rows, "share": found.drifted_share})
    return found


def _recorded(
    engine: Engine, version: int, span: Span, parameters: DriftParameters, *, settings: MonitoringSettings
) -> list[Prediction]:
    """Return the newest answers that customers heard; a shadow's are not among them."""
    return PredictionStore(engine).window(
        settings.model, model_version=version, since=span[0], until=span[1], limit=parameters.max_rows
    )


def _seen(live: Window, served: Production, span: Span, volume: Volume, *, settings: MonitoringSettings) -> Found:
    return Found(
        status="not enough data",
        message="",
        model=settings.model,
        version=served.version,
        run_id=served.run_id,
        at=utc_text(span[1]),
        window_start=utc_text(span[0]),
        predictions=0,
        rows=live.rows,
        unreadable_rows=live.unreadable,
        volume=volume,
    )


def _compared(
    found: Found,
    live: Window,
    served: Production,
    contract: Contract,
    *,
    parameters: DriftParameters,
    settings: MonitoringSettings,
) -> Found:
    """Compare, judge, and put the report on the shelf and into the version's run."""
    reference = reference_window(contract, served.bundle)
    compared = measure_drift(contract, live, reference, parameters)
    folder = settings.drift_folder / folder_name(found.at, found.version)
    found = replace(
        _judged(found, compared, parameters),
        reference_rows=reference.rows,
        profit=measure_profit_change(served.bundle, contract, live, reference),
        report=str(folder / PAGE),
    )
    found = replace(found, message=verdict_words(found, needed_rows=parameters.min_rows))
    shelve(folder, _files(found, compared, parameters), kept=parameters.kept_reports)
    log_to_run(settings.tracking_uri, found.run_id, folder)
    return found


def _judged(found: Found, compared: Compared, parameters: DriftParameters) -> Found:
    """Add the verdict: drift, when enough columns drifted, or the prediction did."""
    share = drifted_share(compared.measures, leave_out=OUTPUT)
    prediction_drifted = decisive(compared.measures)[OUTPUT].is_drifted
    is_drift = share >= parameters.drifted_share_threshold or prediction_drifted
    return replace(
        found,
        status="drift" if is_drift else "no drift",
        drifted_share=share,
        prediction_drifted=prediction_drifted,
        measures=compared.measures,
        novelties=compared.novelties,
        remarks=compared.remarks,
    )


def _files(found: Found, compared: Compared, parameters: DriftParameters) -> dict[str, str | bytes]:
    """Return the report's files by name."""
    import pandas as pd  # noqa: PLC0415  slow

    thresholds = {one.column: one.threshold for one in compared.measures if one.method == PSI}
    frames = pd.DataFrame(compared.live), pd.DataFrame(compared.reference)
    page = compare(*frames, thresholds, headline=OUTPUT, share=parameters.drifted_share_threshold)
    return {
        PAGE: page.html,
        SUMMARY: found.to_json(),
        EVIDENTLY: page.metrics,
        PICTURE: draw_drift(compared),
        WORDS: drift_summary(found, picture=PICTURE),
    }
