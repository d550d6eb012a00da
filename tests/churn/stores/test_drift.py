from dataclasses import replace

import pytest
from sqlalchemy import Engine

from churn.errors import RefusedError
from churn.stores.drift import DriftMeasure, DriftRun, DriftStore

RUN = DriftRun(
    model_name="churn",
    model_version=3,
    at="2026-11-21T12:00:00.000Z",
    window_start="2026-11-14T12:00:00.000Z",
    window_end="2026-11-21T12:00:00.000Z",
    rows=2000,
    drifted_share=0.5,
    is_drifted=True,
    report="reports/drift.html",
)
TENURE = DriftMeasure("tenure", "wasserstein", value=0.4, threshold=0.1, is_drifted=True, is_decisive=True)
CONTRACT = DriftMeasure("Contract", "jensenshannon", value=0.02, threshold=0.1, is_drifted=False, is_decisive=True)


def test_the_newest_run_comes_back_with_its_columns_by_name(engine: Engine) -> None:
    store = DriftStore(engine)
    first = store.add(replace(RUN, rows=1), [TENURE])
    second = store.add(RUN, [TENURE, CONTRACT])

    assert second > first
    assert store.latest("churn") == (RUN, (CONTRACT, TENURE))


def test_a_run_without_columns_is_kept(engine: Engine) -> None:
    store = DriftStore(engine)
    store.add(replace(RUN, rows=0, is_drifted=False), [])

    assert store.latest("churn") == (replace(RUN, rows=0, is_drifted=False), ())


def test_there_may_be_no_run_yet(engine: Engine) -> None:
    assert DriftStore(engine).latest("churn") is None


def test_a_run_is_not_stored_without_all_of_its_columns(engine: Engine) -> None:
    store = DriftStore(engine)
    with pytest.raises(RefusedError, match="refused the values"):
        store.add(RUN, [TENURE, TENURE])

    assert store.latest("churn") is None


def test_the_history_begins_with_the_newest_run_and_keeps_those_without_enough_data(engine: Engine) -> None:
    store, small = DriftStore(engine), replace(RUN, rows=3, status="not enough data", is_drifted=False)
    for run in (RUN, small, replace(RUN, model_name="other"), replace(RUN, volume_changed=False, profit_change=-0.5)):
        store.add(run, [])

    assert store.history("churn") == [replace(RUN, volume_changed=False, profit_change=-0.5), small, RUN]
    assert store.history("churn", limit=1) == store.history("churn")[:1]
