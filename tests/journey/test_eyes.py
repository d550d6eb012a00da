"""The eyes, whole: customers change under live traffic; it is seen, told, and answered by a retraining that serves.

Outcomes take a contract's horizon, 30 days, to become known, and the journey has two minutes. So the laboratory lets
the version in production have served for half a year before, and customers like those who will come be among them,
with outcomes. Today's customers are first like those of the training, and then no more.
"""

from pathlib import Path

import pytest

from churn.data.simulation.shifts import Shift
from tests.faults.receiver import Receiver
from tests.journey.eyes_town import PATIENCE_SECONDS, Town, standing
from tests.journey.live_traffic import Traffic, coming

ALERT = "ChurnDrift"
SHIFTS = (
    "price:1.4",
    "scale:tenure:0.35",
    "share:Contract=Month-to-month:1.6",
    "share:PaymentMethod=Electronic check:2",
)
RATE, QUIET_RATE = 40.0, 3.0
USUAL_CUSTOMERS, CHANGED_CUSTOMERS = 350, 800
SCHEDULE = ("drift=15s", "retrain=20s", "reports=1m", "performance=off")


@pytest.mark.slow
def test_drift_is_seen_told_and_answered_by_a_promoted_retraining_and_no_request_fails(tmp_path: Path) -> None:
    with Receiver() as receiver, standing(tmp_path) as town:
        put_first_version_in_production(town)
        remember_half_a_year(town)
        town.open_doors()
        town.watch(receiver)

        with coming(town.doors, rate=RATE) as traffic:
            town.wait(lambda: traffic.sent >= USUAL_CUSTOMERS, "customers came who are like those of the training")
            traffic.rate = QUIET_RATE  # on a slow machine too the changed ones will be the most
            town.churn("drift")
            town.wait(lambda: town.metric("churn_drift_detected") == 0, "the drift panel shows 0")
            assert not receiver.fired[ALERT]

            change_customers(town, traffic)
            changed = traffic.sent + CHANGED_CUSTOMERS
            town.wait(lambda: traffic.sent >= changed, "they are the most by now")
            town.schedule(*SCHEDULE)
            town.wait(lambda: town.metric("churn_drift_detected") == 1, "the drift panel turned to 1")
            town.wait(lambda: receiver.fired[ALERT], f"{ALERT} arrived")
            town.wait(lambda: is_retrained(town), "a retraining was judged", seconds=2 * PATIENCE_SECONDS)
            answer_for_it_when_it_is_held(town)
            town.wait(lambda: town.versions() == {2}, "both doors serve version 2")

            town.wait(lambda: has_no_drift(town, 2), "version 2 knows its customers")
            town.wait(lambda: town.metric("churn_drift_detected") == 0, "the drift panel shows 0 again")
            town.wait(lambda: receiver.ended[ALERT], f"{ALERT} was resolved")

        town.say(f"{traffic.sent:,} requests, {traffic.lost} lost, {traffic.tries_again} tried again")
        assert traffic.lost == 0
        show_reports(town)


def put_first_version_in_production(town: Town) -> None:
    table = town.home / "customers.csv"
    town.churn("data", "sample", "--rows", "2000", "--seed", "8", "--out", str(table))
    town.churn("ring", "--data", str(table), "--trials", "1", "--candidates", "logistic")
    town.say("version 1 is in production")


def remember_half_a_year(town: Town) -> None:
    shifts = [word for shift in SHIFTS for word in ("--shift", f"{shift}@3")]
    town.churn("simulate", "--history", "--months", "6", "--customers", "1500", "--seed", "3", *shifts)
    town.say("half a year of predictions and outcomes")


def change_customers(town: Town, traffic: Traffic) -> None:
    traffic.rate, traffic.shifts = RATE, tuple(Shift.parse(shift) for shift in SHIFTS)
    town.say("from now on other customers come: newer, dearer, by the month, paying by electronic check")


def is_retrained(town: Town) -> bool:
    """A gain that so few outcomes can't show for sure is held."""
    trained = [one for one in town.decisions() if one.decision == "train" and one.outcome]
    for one in trained:
        assert one.outcome.startswith(("promoted", "held")), one.outcome
        assert any("drifted" in reason for reason in one.reasons), one.reasons
    return bool(trained)


def answer_for_it_when_it_is_held(town: Town) -> None:
    (trained,) = [one for one in town.decisions() if one.decision == "train"]
    town.say(trained.outcome)
    if trained.outcome.startswith("held"):
        town.churn("promote", "--version", "2", "--override", "--reason", "it knows the customers who come now")


def has_no_drift(town: Town, version: int) -> bool:
    newest = town.newest_drift()
    return newest is not None and newest.model_version == version and newest.status == "no drift"


def show_reports(town: Town) -> None:
    summary = town.churn("reports", "--markdown", "--prometheus", town.prometheus)
    town.say(summary)
    town.say(f"the reports: {town.home / 'reports' / 'index.html'}")
    assert "version 2 since" in summary
