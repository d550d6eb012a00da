from dataclasses import replace

import pytest
from sqlalchemy import Engine

from churn.errors import RefusedError
from churn.stores.performance import LONGEST_PART, PerformanceMeasure, PerformanceRun, PerformanceStore

RUN = PerformanceRun(
    model_name="churn",
    model_version=3,
    at="2026-11-21T12:00:00.000Z",
    window_start="2026-07-24T12:00:00.000Z",
    window_end="2026-10-22T12:00:00.000Z",
    predictions=2000,
    labelled=1900,
    unknown=100,
    waiting=500,
    contradicted=2,
    status="not degraded",
    words="roc_auc 0.84 is like 0.845 on held-out customers",
    report="reports/performance.html",
)
AUC = PerformanceMeasure("all", "all", "roc_auc", "observed", value=0.84, low=0.82, high=0.86, rows=1900)
OF_DOOR = replace(AUC, dimension="door", part="bento")


def test_the_newest_run_of_each_version_comes_back_with_its_measures(engine: Engine) -> None:
    store = PerformanceStore(engine)
    store.add(replace(RUN, predictions=1), [AUC])
    store.add(RUN, [OF_DOOR, AUC])
    store.add(replace(RUN, model_version=2), [])
    store.add(replace(RUN, model_name="other"), [])

    assert store.latest("churn") == [(replace(RUN, model_version=2), ()), (RUN, (AUC, OF_DOOR))]


def test_the_history_begins_with_the_newest_run(engine: Engine) -> None:
    store = PerformanceStore(engine)
    for run in (RUN, replace(RUN, model_version=4), replace(RUN, status="degraded")):
        store.add(run, [])

    assert [(run.model_version, run.status) for run in store.history("churn")] == [
        (3, "degraded"),
        (4, "not degraded"),
        (3, "not degraded"),
    ]
    assert store.history("churn", model_version=3, limit=1) == [replace(RUN, status="degraded")]


def test_the_name_of_a_part_is_cut_to_what_the_table_holds(engine: Engine) -> None:
    store = PerformanceStore(engine)
    store.add(RUN, [replace(AUC, dimension="segment", part="x" * 255)])

    assert store.latest("churn")[0][1][0].part == "x" * LONGEST_PART


def test_a_run_is_not_stored_without_all_of_its_measures(engine: Engine) -> None:
    store = PerformanceStore(engine)
    with pytest.raises(RefusedError, match="refused the values"):
        store.add(RUN, [AUC, AUC])

    assert store.latest("churn") == []
