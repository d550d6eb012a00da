"""The performance job, from predictions and outcomes to the report, the SQL store and the run."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mlflow import MlflowClient

from churn.errors import NotFoundError
from churn.stores.performance import PerformanceStore
from monitoring.performance import performance
from monitoring.performance_found import PerformanceFound
from monitoring.performance_parameters import PerformanceParameters, read_performance_parameters
from tests.monitoring.answered import World, blind, live_through
from tests.monitoring.conftest import Eyes
from tests.monitoring.pages import count_scripts

NOW = datetime(2026, 11, 1, tzinfo=UTC)
QUICK = read_performance_parameters().model_copy(
    update={
        "resamples": 200,
        "part_resamples": 100,
        "min_rows": 100,
        "min_of_each": 20,
        "part_min_rows": 40,
        "weeks": 4,
    }
)


def days(first: float, last: float) -> tuple[datetime, datetime]:
    """Days before now."""
    return NOW - timedelta(days=first), NOW - timedelta(days=last)


def look(eyes: Eyes, parameters: PerformanceParameters = QUICK, now: datetime = NOW) -> PerformanceFound:
    (found,) = performance(parameters, settings=eyes.settings, now=now)
    return found


@pytest.fixture
def held_out(eyes: Eyes) -> MlflowClient:
    """Version 1 was evaluated. The registry is every test's, and those that do not ask for this don't mind it."""
    client = MlflowClient(tracking_uri=eyes.settings.tracking_uri)
    run_id = client.get_model_version("churn", "1").run_id or ""
    for name, value in {"roc_auc": 0.83, "roc_auc_low": 0.80, "roc_auc_high": 0.855, "threshold": 0.3}.items():
        client.log_metric(run_id, f"holdout_{name}", value)
    return client


def test_customers_who_left_as_predicted_are_measured_reported_and_stored(eyes: Eyes, held_out: MlflowClient) -> None:
    live_through(eyes.engine, days(110, 31), 900, now=NOW, world=World(1))
    live_through(eyes.engine, days(29, 0), 300, now=NOW, world=World(2))

    found = look(eyes)

    assert (found.run.status, found.run.predictions, found.run.labelled) == ("not degraded", 900, 900)
    assert (found.run.waiting, found.run.unknown, found.run.contradicted) == (300, 0, 0)
    auc = found.of_all("roc_auc", "observed")
    assert auc is not None
    assert auc.low is not None
    assert auc.low < 0.83 < (auc.high or 0)
    assert {one.source for one in found.measures if one.dimension == "all"} == {"observed", "estimated", "reference"}
    assert {one.part for one in found.measures if one.dimension == "door"} == {"bento", "fastapi"}
    weeks = found.of_dimension("week", "brier")
    assert {one.source for one in weeks} == {"observed", "estimated"}
    assert len(weeks) == len({one.part for one in weeks})
    assert PerformanceStore(eyes.engine).latest("churn") == [
        (found.run, tuple(sorted(found.measures, key=lambda one: (one.dimension, one.part, one.measure, one.source))))
    ]
    logged = held_out.list_artifacts(found.run_id, f"performance/{Path(found.run.report).parent.name}")
    assert {Path(one.path).name for one in logged} == {path.name for path in Path(found.run.report).parent.iterdir()}


def test_the_report_is_a_page_a_summary_numbers_and_pictures_and_takes_no_markup(eyes: Eyes) -> None:
    live_through(eyes.engine, days(110, 31), 900, now=NOW, world=World(1))

    folder = Path(look(eyes).run.report).parent

    pictures = {"by_week.png", "calibration.png", "precision_recall.png", "roc.png"}
    assert {path.name for path in folder.iterdir()} == {
        "performance.html", "performance.md", "performance.json", *pictures,
    }  # fmt: skip
    page, summary = ((folder / f"performance.{ending}").read_text(encoding="utf-8") for ending in ("html", "md"))
    assert count_scripts(page) == 0
    assert "loyal <b>" not in page
    assert "loyal <b>" not in summary
    assert "profit of the decisions, USD per customer" in page
    assert json.loads((folder / "performance.json").read_text())["labelled"] == 900


def test_customers_who_leave_for_other_reasons_make_a_version_degraded(eyes: Eyes, held_out: MlflowClient) -> None:
    del held_out
    live_through(eyes.engine, days(110, 31), 600, now=NOW, world=World(3, blind))

    found = look(eyes)

    assert found.run.status == "degraded"
    assert "roc_auc 0." in found.run.words
    assert "is worse than 0.830 on held-out customers" in found.run.words


def test_early_leavers_do_not_count_before_the_others_can(eyes: Eyes) -> None:
    """The naive figure, of all that is known now, would hold leavers only for the newest month."""
    live_through(eyes.engine, days(60, 31), 600, now=NOW, world=World(4))
    live_through(eyes.engine, days(30, 0), 600, now=NOW, world=World(5))

    rate = look(eyes).of_all("base_rate", "observed")

    assert rate is not None
    assert rate.rows == 600
    assert abs(rate.value - 0.275) < 0.05


def test_too_few_outcomes_are_said_and_what_is_expected_is_told_all_the_same(eyes: Eyes) -> None:
    live_through(eyes.engine, days(60, 31), 60, now=NOW, world=World(6))
    live_through(eyes.engine, days(29, 0), 300, now=NOW, world=World(7))

    found = look(eyes)

    assert found.run.status == "not enough data"
    assert "60 of 60 customers have an outcome" in found.run.words
    assert "100 are needed, with 20 who left and as many who stayed" in found.run.words
    assert {one.source for one in found.measures if one.measure == "profit"} == {"estimated"}


def test_where_leavers_only_are_reported_the_silent_ones_stayed(eyes: Eyes) -> None:
    live_through(eyes.engine, days(60, 40), 90, now=NOW - timedelta(days=11), world=World(8))
    reported = look(eyes, now=NOW - timedelta(days=9)).run
    silent = look(eyes, QUICK.model_copy(update={"silence": "stayed"})).run

    assert reported.unknown > 0
    assert (silent.labelled, silent.unknown) == (90, 0)


def test_each_version_that_answered_is_looked_at(eyes: Eyes) -> None:
    live_through(eyes.engine, days(60, 40), 60, now=NOW, world=World(9))
    live_through(eyes.engine, days(60, 40), 60, now=NOW, world=World(10, version=77))

    found = performance(QUICK, settings=eyes.settings, now=NOW)

    assert [(one.run.model_version, one.run_id == "") for one in found] == [(1, False), (77, True)]
    (silent,) = performance(QUICK, settings=eyes.settings, now=NOW, version=78)
    assert (silent.run.model_version, silent.run.predictions, silent.measures) == (78, 0, ())


def test_without_predictions_there_is_nothing_to_look_at(eyes: Eyes) -> None:
    assert performance(QUICK, settings=eyes.settings, now=NOW) == ()


def test_without_a_production_version_the_next_step_is_named(eyes: Eyes) -> None:
    nothing = eyes.settings.model_copy(update={"model": "absent"})

    with pytest.raises(NotFoundError, match=r"no version of absent is in production"):
        performance(QUICK, settings=nothing, now=NOW)
