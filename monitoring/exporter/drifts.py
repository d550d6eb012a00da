"""Drift: what the newest run of the drift job found."""

from collections.abc import Iterable

from sqlalchemy import Engine

from churn import metrics
from churn.stores.drift import DriftMeasure, DriftRun, DriftStore
from monitoring.exporter.facts import Facts, Series, alone, seconds

NOT_ENOUGH = "not enough data"


def drift_facts(engine: Engine, model: str) -> Facts:
    """Return what is known of drift; nothing when the job never ran."""
    latest = DriftStore(engine).latest(model)
    if latest is None:
        return {}
    run, measures = latest
    is_enough = run.status != NOT_ENOUGH
    return {**_of_window(run), metrics.DRIFT_ENOUGH: alone(is_enough), **(_verdict(run, measures) if is_enough else {})}


def _of_window(run: DriftRun) -> Facts:
    return {
        metrics.DRIFT_LAST_RUN: alone(seconds(run.at)),
        metrics.DRIFT_ROWS: alone(run.rows),
        metrics.DRIFT_UNREADABLE: _if_known(run.unreadable_rows),
        metrics.DRIFT_VOLUME: _if_known(run.volume_changed),
        metrics.DRIFT_VERSION: alone(run.model_version),
    }


def _verdict(run: DriftRun, measures: Iterable[DriftMeasure]) -> Facts:
    """What a window that was too small would say is not shown: 0 would look like no drift."""
    measures = tuple(measures)
    return {
        metrics.DRIFT_SHARE: alone(run.drifted_share),
        metrics.DRIFT_DETECTED: alone(run.is_drifted),
        metrics.DRIFT_PREDICTION: _if_known(run.prediction_drifted),
        metrics.DRIFT_PROFIT: _if_known(run.profit_change),
        metrics.DRIFT_SCORE: {(one.column_name, one.method): one.value for one in measures},
        metrics.DRIFT_THRESHOLD: {(one.column_name, one.method): one.threshold for one in measures},
        metrics.DRIFT_COLUMN: {(one.column_name,): one.is_drifted for one in measures if one.is_decisive},
    }


def _if_known(value: float | None) -> Series:
    return {} if value is None else alone(value)
