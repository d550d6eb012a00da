"""Performance: hold what was predicted against what became of the customers; estimate where nobody knows yet.

Reads:  recorded predictions and outcomes in the SQL store; held-out figures of each version's training in MLflow.
Writes: a report for people and programs on disk and in the version's MLflow run; a performance run in the SQL store.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from churn.contract.contract import Contract
from churn.evaluation.degradation import Change, changes
from churn.evaluation.intervals import Estimate
from churn.scoring.prediction import utc_text
from churn.stores.database import open_migrated
from churn.stores.labelled import DuePrediction, LabelledStore, Span
from churn.stores.performance import (
    ALL,
    DEGRADED,
    MEASURED,
    NOT_DEGRADED,
    NOT_ENOUGH,
    PerformanceMeasure,
    PerformanceRun,
    PerformanceStore,
)
from monitoring.performance_found import PerformanceFound
from monitoring.performance_measuring import Measuring, measures_of
from monitoring.performance_pages import pages
from monitoring.performance_parameters import PerformanceParameters
from monitoring.performance_reference import contract_in_production, held_out
from monitoring.performance_windows import Moments, known, spans, weeks
from monitoring.report_shelf import folder_name, log_to_run, shelve
from monitoring.settings import MonitoringSettings

log = logging.getLogger(__name__)

PAGE = "performance.html"


def performance(
    parameters: PerformanceParameters,
    *,
    settings: MonitoringSettings,
    version: int | None = None,
    now: datetime | None = None,
) -> tuple[PerformanceFound, ...]:
    """Measure every version that answered since the window began, the lowest first.

    Args:
        parameters: windows, how many outcomes it takes, and what counts as worse.
        settings: where everything is.
        version: only this one.
        now: the time of the look; None: now.

    Raises:
        NotFoundError: nothing is in production.
        StoreError: the SQL store did not answer, or the registry did not and no bundle is on disk.
    """
    engine = open_migrated(settings.database_url)
    look = _Look(parameters, settings, engine, contract_in_production(settings), now=now or datetime.now(UTC))
    found = tuple(map(look.at_version, look.versions() if version is None else [version]))
    log.info("performance measured", extra={"versions": {one.run.model_version: one.run.status for one in found}})
    return found


class _Look:
    """One look at all versions."""

    def __init__(
        self,
        parameters: PerformanceParameters,
        settings: MonitoringSettings,
        engine: Engine,
        contract: Contract,
        *,
        now: datetime,
    ) -> None:
        self._parameters, self._settings, self._engine = parameters, settings, engine
        self._horizon = timedelta(days=contract.target.horizon_days)
        self._currency = contract.economics.currency if contract.economics else None
        window = timedelta(days=parameters.window_days)
        self._moments = Moments.at(now, horizon=self._horizon, delay=parameters.delay, window=window)
        self._labelled = LabelledStore(engine, silence=parameters.silence, delay=parameters.delay)
        self._measuring = Measuring(parameters, contract.economics)

    def versions(self) -> list[int]:
        """Return the versions that answered."""
        return self._labelled.versions(Span(self._settings.model, self._moments.start, self._moments.now))

    def at_version(self, version: int) -> PerformanceFound:
        """Look at one version: measure, judge, report, store."""
        due, waiting = spans(self._settings.model, version, self._moments, limit=self._parameters.max_rows)
        rows, coming = (self._labelled.due(span, self._horizon) for span in (due, waiting))
        reference = held_out(self._settings, version)
        observed = self._observed(rows)
        compared = changes(
            observed,
            reference.estimates,
            self._parameters.degraded_by,
            level=self._parameters.false_alarm_probability,
        )
        measures = (
            *measures_of(observed, (ALL, ALL), "observed", len(known(rows)[0])),
            *measures_of(self._measuring.expected(coming), (ALL, ALL), "estimated", len(coming)),
            *measures_of(reference.estimates, (ALL, ALL), "reference", reference.rows),
            *self._measuring.parts(rows),
            *self._by_week(due, waiting),
        )
        run = self._judged(version, (rows, coming), observed, compared)
        return self._kept(PerformanceFound(run, measures, compared, reference.run_id, self._currency), rows)

    def _observed(self, rows: Sequence[DuePrediction]) -> dict[str, Estimate]:
        return self._measuring.observed(rows) if self._measuring.is_enough(known(rows)[1]) else {}

    def _by_week(self, due: Span, waiting: Span) -> Iterator[PerformanceMeasure]:
        for name, week in weeks(due, most=self._parameters.weeks):
            yield from self._measuring.week("week", name, self._labelled.due(week, self._horizon))
        for name, week in weeks(waiting, most=self._parameters.weeks):
            yield from self._measuring.coming_week(name, self._labelled.due(week, self._horizon))

    def _judged(
        self,
        version: int,
        rows: tuple[Sequence[DuePrediction], Sequence[DuePrediction]],
        observed: dict[str, Estimate],
        compared: Sequence[Change],
    ) -> PerformanceRun:
        due, coming = rows
        told, target = known(due)
        counts = f"{len(told):,} of {len(due):,} customers have an outcome, {int(target.sum()):,} of them left"
        status, verdict = _verdict(observed, compared, self._parameters)
        return PerformanceRun(
            model_name=self._settings.model,
            model_version=version,
            at=utc_text(self._moments.now),
            window_start=utc_text(self._moments.start),
            window_end=utc_text(self._moments.due),
            predictions=len(due),
            labelled=len(told),
            unknown=len(due) - len(told),
            waiting=len(coming),
            contradicted=sum(row.is_contradicted for row in due),
            status=status,
            words=f"{counts}: {verdict}",
            report="",
        )

    def _kept(self, found: PerformanceFound, rows: Sequence[DuePrediction]) -> PerformanceFound:
        """Write the report, where there is something to show, and store the run."""
        if found.measures:
            folder = self._settings.performance_folder / folder_name(found.run.at, found.run.model_version)
            found = replace(found, run=replace(found.run, report=str(folder / PAGE)))
            shelve(folder, pages(found, rows), kept=self._parameters.kept_reports)
            if found.run_id:
                log_to_run(self._settings.tracking_uri, found.run_id, folder)
        PerformanceStore(self._engine).add(found.run, found.measures)
        return found


def _verdict(
    observed: dict[str, Estimate], compared: Sequence[Change], parameters: PerformanceParameters
) -> tuple[str, str]:
    if not observed:
        needed = f"{parameters.min_rows} are needed, with {parameters.min_of_each} who left and as many who stayed"
        return NOT_ENOUGH, f"too few to measure; {needed}"
    if not compared:
        return MEASURED, "there are no figures of held-out customers to compare with"
    worse = [one.words for one in compared if one.is_worse]
    return (DEGRADED, "; ".join(worse)) if worse else (NOT_DEGRADED, "; ".join(one.words for one in compared))
