"""The label study, on logs whose truth is known because they are made."""

import math

import numpy as np
import pandas as pd
import pytest

from churn.contract.proxy import Inactivity
from churn.errors import TableError
from churn.labels.events import Events, date_of
from churn.labels.labelling import Labelling
from churn.labels.report import as_markdown, study_table
from churn.labels.study import LabelStudy, StudyParameters, study_labels
from churn.labels.study_plot import plot_study
from tests.churn.labels.event_logs import START, log_of, poisson_log, proxy_of, shop

RATE = 0.02


def parameters(**changes: object) -> StudyParameters:
    fields = {"horizons_days": (15, 30, 60, 90, 120), "follow_up_days": 60, "history_days": 60, "returned_at_most": 0.1}
    return StudyParameters.model_validate({**fields, **changes})


def proxy(**changes: object) -> Inactivity:
    return proxy_of(dates=["2024-04-30"], **changes)


@pytest.fixture(scope="module")
def nobody_leaves() -> Events:
    return poisson_log(customers=4_000, rate=RATE, days=400, seed=11)


@pytest.fixture(scope="module")
def half_leave() -> tuple[Events, dict[str, bool]]:
    """Half of the customers stop on a random day before the study's date; the others buy on, about every 20 days."""
    rng = np.random.default_rng(4)
    has_left = rng.random(2_000) < 0.5
    left = np.where(has_left, rng.integers(20, 110, 2_000), 10_000)
    events = poisson_log(customers=2_000, rate=0.05, days=400, seed=12, left=left)
    return events, dict(zip(events.names.tolist(), has_left.tolist(), strict=True))


def test_where_nobody_leaves_the_return_of_the_silent_is_that_of_a_memoryless_process(nobody_leaves: Events) -> None:
    study = study_labels(nobody_leaves, proxy(), parameters())

    back = 1 - math.exp(-RATE * 60)
    for row in study.rows:
        silent = math.exp(-RATE * row.horizon_days)
        spread = 4 * math.sqrt(silent * (1 - silent) / row.customers)
        assert row.base_rate == pytest.approx(silent, abs=spread)
        noise = 4 * math.sqrt(back * (1 - back) / (row.base_rate * row.customers))
        assert row.returned == pytest.approx(back, abs=noise)


def test_where_nobody_leaves_no_horizon_is_called_stable(nobody_leaves: Events) -> None:
    study = study_labels(nobody_leaves, proxy(), parameters())

    assert study.reason.startswith("no horizon is stable")


def test_the_intervals_hold_the_true_share_as_often_as_they_say() -> None:
    back = 1 - math.exp(-RATE * 60)
    held = []
    for seed in range(200):
        events = poisson_log(customers=300, rate=RATE, days=400, seed=seed)
        rows = study_labels(events, proxy(), parameters(horizons_days=(60,))).rows
        held.append(rows[0].returned_low <= back <= rows[0].returned_high)

    assert 0.90 <= np.mean(held) <= 0.99


def test_a_horizon_much_longer_than_the_gaps_is_stable_and_the_shortest_such_is_recommended(
    half_leave: tuple[Events, dict[str, bool]],
) -> None:
    study = study_labels(half_leave[0], proxy(), parameters(horizons_days=(15, 30, 45, 60, 90, 120)))

    stable = [row.horizon_days for row in study.rows if row.returned_high <= 0.1]
    assert study.recommended_days == min(stable)
    assert 15 not in stable
    assert "the shortest after which at most 10% of those who left come back" in study.reason


def test_with_true_labels_the_best_agreement_is_recommended(half_leave: tuple[Events, dict[str, bool]]) -> None:
    events, truth = half_leave

    study = study_labels(events, proxy(), parameters(), truth)

    found = {row.horizon_days: row.agreement for row in study.rows}
    assert found[120] is not None
    assert found[120].kappa > 0.98
    assert found[15] is not None
    assert found[15].kappa < 0.6
    assert (found[15].recall, found[15].customers) == (1.0, 2_000)
    assert found[15].precision == pytest.approx(0.5 / (0.5 + 0.5 * math.exp(-0.05 * 15)), abs=0.04)
    assert study.recommended_days == max(found, key=lambda days: found[days].kappa if found[days] else 0)
    assert "agrees best with the true labels" in study.reason


def test_every_lead_and_horizon_sees_the_same_customers_with_the_same_follow_up(nobody_leaves: Events) -> None:
    study = study_labels(nobody_leaves, proxy(), parameters(leads_days=(7, 21)))

    assert {(row.lead_days, row.horizon_days) for row in study.rows} == {
        (lead, days) for lead in (0, 7, 21) for days in (15, 30, 60, 90, 120)
    }
    assert {row.customers for row in study.rows} == {4_000}
    assert study.day + 21 + 120 + 60 <= nobody_leaves.last_day


def test_the_follow_up_begins_when_the_outcome_window_ends() -> None:
    """Each customer comes back on one day after the study's: day 7 of lead, 30 of outcome, then 60 of follow-up."""
    days = np.arange(1, 121)
    purchases = [(f"c{day:03d}", at, 1.0) for day in days.tolist() for at in (0, 100 + day)]
    events = log_of([*purchases, ("z", 0, 1.0)], days=300)
    study = proxy_of(dates=[date_of(START + 100)], lead_days=7)

    row = study_labels(events, study, parameters(horizons_days=(30,), leads_days=())).rows[0]

    silent = ~((days > 7) & (days <= 37))
    back = silent & (days > 37) & (days <= 97)
    assert row.base_rate == pytest.approx((silent.sum() + 1) / 121)
    assert row.returned == pytest.approx(back.sum() / (silent.sum() + 1))


def test_a_horizon_for_which_the_log_is_too_short_is_left_out_and_named(nobody_leaves: Events) -> None:
    study = study_labels(nobody_leaves, proxy(), parameters(horizons_days=(30, 280, 281)))

    assert study.left_out == (281,)
    assert study.day == START + 60


def test_a_log_that_is_too_short_for_any_study_says_so() -> None:
    events = poisson_log(customers=50, rate=RATE, days=100, seed=1)

    with pytest.raises(TableError, match="too short for a label study: it takes 60 days of history, 15 of outcome"):
        study_labels(events, proxy(), parameters())


def test_a_study_in_which_nobody_left_has_no_share_of_them() -> None:
    events = poisson_log(customers=30, rate=1.0, days=400, seed=1)

    study = study_labels(events, proxy(), parameters(horizons_days=(60,)))

    assert study.rows[0].base_rate == 0
    assert math.isnan(study.rows[0].returned)
    assert study.recommended_days == 60
    assert "nobody" in study.reason


def test_the_study_is_a_table_a_report_and_a_picture(half_leave: tuple[Events, dict[str, bool]]) -> None:
    events, truth = half_leave
    study = study_labels(events, proxy(), parameters(leads_days=(7,)), truth)

    table, text, panels = study_table(study), report_of(study), plot_study(study).axes

    assert len(table) == 10
    assert {"lead_days", "horizon_days", "base_rate", "returned", "kappa", "precision", "recall"} < set(table.columns)
    assert f"**{study.recommended_days} days** are recommended" in text
    assert "| kappa | precision | recall |" in text
    assert [axes.get_title() for axes in panels] == [
        "Who counts as having left",
        "Who of them comes back after all",
        "Agreement with the true labels",
    ]
    assert len(plot_study(study_labels(events, proxy(), parameters())).axes) == 2


def report_of(study: LabelStudy) -> str:
    return as_markdown(shop(), Labelling(pd.DataFrame(), (), 0, (), ()), study)
