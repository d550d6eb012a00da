"""The verdict in words, and the summary in Markdown."""

from dataclasses import replace

import pytest

from churn.bundle.files import OUTPUT
from monitoring.drift_found import Found
from monitoring.drift_summary import drift_summary
from monitoring.drift_words import verdict_words
from monitoring.measures import JENSEN_SHANNON, PSI, Measure
from monitoring.novelties import Novelty
from monitoring.profit_change import ProfitChange
from monitoring.volume import Volume

SCRIPT = "</script><script>alert(1)</script> | `x` [a](b) ![c](d) *e* https://f.example www.g.example <img src=x>"
QUIET = Found(
    status="no drift",
    message="",
    model="churn",
    version=3,
    run_id="r",
    at="2026-11-21T12:00:00.000Z",
    window_start="2026-11-20T12:00:00.000Z",
    predictions=1200,
    rows=1000,
    unreadable_rows=0,
    volume=Volume(1200, 50.0, None, None),
    reference_rows=5000,
    measures=(
        Measure(OUTPUT, PSI, 0.01, 0.1),
        Measure("tenure", PSI, 0.02, 0.1),
        Measure("Contract", PSI, 0.01, 0.1),
        Measure("Contract", JENSEN_SHANNON, 0.1, 0.15),
    ),
)
DRIFTED = replace(
    QUIET,
    status="drift",
    measures=(Measure(OUTPUT, PSI, 0.2, 0.1), Measure("tenure", PSI, 0.5, 0.1), Measure("Contract", PSI, 0.01, 0.1)),
    prediction_drifted=True,
    unreadable_rows=12,
    volume=Volume(1300, 2.0, 50.0, has_changed=True),
    novelties=(Novelty("Contract", 3, 40, (("Weekly", 30),)),),
    remarks={"Partner": "has no value in the live window"},
    profit=ProfitChange("USD", 3.0, 5.25, -2.25, -3.0, -1.5),
)


def test_no_drift_is_one_plain_sentence() -> None:
    words = verdict_words(QUIET, needed_rows=200)

    assert words == "1,000 customers of version 3 since 2026-11-20T12:00:00.000Z: 0 of 2 columns drifted"


def test_a_drift_tells_what_drifted_what_it_costs_and_what_else_was_odd() -> None:
    assert verdict_words(DRIFTED, needed_rows=200).split("; ") == [
        "1,000 customers of version 3 since 2026-11-20T12:00:00.000Z: "
        "1 of 2 columns drifted (tenure), and the predicted probability did",
        "by its own probabilities, contacting those at risk would earn 2.25 USD less per customer (-3.00 … -1.50)",
        "Contract has 3 new categories",
        "Partner can't be compared in full",
        "12 customers could not be read by the contract",
        "100 other answers in the window are left out",
        "2.0 answers an hour instead of about 50.0",
    ]


def test_the_prediction_may_drift_alone() -> None:
    alone = replace(QUIET, prediction_drifted=True)

    assert verdict_words(alone, needed_rows=200).endswith("0 of 2 columns drifted, but the predicted probability did")


def test_too_little_data_is_said_with_what_is_needed_and_a_stopped_flow_with_it() -> None:
    nothing = replace(
        QUIET, status="not enough data", rows=0, predictions=0, measures=(), volume=Volume(0, 0, 50, True)
    )

    assert verdict_words(nothing, needed_rows=200).split("; ") == [
        "0 customers of version 3 since 2026-11-20T12:00:00.000Z",
        "200 are needed to say anything",
        "0.0 answers an hour instead of about 50.0",
    ]


@pytest.mark.parametrize("where", ["column", "category", "remark"])
def test_nothing_that_was_sent_is_markup_in_the_summary(where: str) -> None:
    found = {
        "column": replace(QUIET, measures=(*QUIET.measures, Measure(SCRIPT, PSI, 9.0, 0.1))),
        "category": replace(QUIET, novelties=(Novelty("Contract", 1, 30, ((SCRIPT, 30),)),)),
        "remark": replace(QUIET, remarks={SCRIPT: "has no value"}),
    }[where]

    page = drift_summary(found, picture=None)

    assert "alert" in page
    assert not set("<>") & set(page)
    assert "s://" not in page
    assert "www." not in page
    assert "[a]" not in page.replace("\\[a\\]", "")
    assert all(line.count(" | ") == 4 for line in page.splitlines() if "alert" in line and line.startswith("|"))


def test_the_summary_shows_the_picture_the_columns_and_the_cost() -> None:
    page = drift_summary(DRIFTED, picture="drift.png")

    assert page.startswith("# Drift of churn, version 3: drift\n")
    assert "![The columns that moved most](drift.png)" in page
    assert "| tenure | psi | 0.500 | 0.100 | yes |" in page
    assert "3.00 USD now, 5.25 before: -2.25 (95 %: -3.00 … -1.50)" in page
    assert "- Contract: 3, with 40 customers; Weekly (30)" in page
    assert "- Partner has no value in the live window" in page
