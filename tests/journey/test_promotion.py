"""Promotion, whole: a better version goes all the way under live traffic, others are told what is wrong with them, and
a bad release is taken back.

The version in production at first was trained on customers whose tenure, contract and services had been mixed up, as by
a wrong join: it knows half of what there is to know.
"""

import csv
import json
import random
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from churn.contract.reading import load_contract
from churn.data.sampler_file import write_sample
from churn.evaluation.gate import Gate, Verdict
from churn.stores.promotions import PromotionLog
from churn.stores.registry import ModelRegistry
from churn.stores.releases import Release
from pipelines import train as training_stage
from pipelines.gate import judge_version
from pipelines.moves import Order
from pipelines.parameters import read_parameters
from pipelines.release import start
from pipelines.ring import make_version
from pipelines.settings import PipelineSettings
from pipelines.tracking import open_tracking, silent
from pipelines.training_log import log_model
from tests.bundles import faulty_bundle
from tests.journey.challengers import bundle_of, challenge, with_a_timid_twin
from tests.journey.eyes_town import ROOT, Town, standing
from tests.journey.live_traffic import Traffic, coming
from tests.tracking import own_tracking

RATE = 25.0
MIXED_UP = ("tenure", "TotalCharges", "Contract", "OnlineSecurity", "TechSupport", "InternetService")
STAGE = {"seconds": 2, "predictions": 40, "at_most_seconds": 120}
CAREFUL: dict[str, Any] = {
    "shadow": STAGE,
    "canary": [{"share": 0.2, **STAGE}, {"share": 0.5, **STAGE}],
    "watch": {"seconds": 8, "every": 0.5},
}
HASTY: dict[str, Any] = {"shadow": None, "canary": [], "watch": {"seconds": 40, "every": 0.5}}
PROMISED_SECONDS = 30.0
PLAINLY_SLOW = 1000
"""So large a matrix takes 20 ms, 25 times as long as a customer: no doubt anywhere, no standstill on a busy machine."""


@pytest.mark.slow
def test_a_better_version_is_released_and_bad_ones_are_not_while_customers_keep_coming(tmp_path: Path) -> None:
    with standing(tmp_path / "home") as town:
        put_a_version_that_knows_half_in_production(town)
        town.open_doors()
        with coming(town.doors, rate=RATE) as traffic:
            better = train_on_sound_customers(town, tmp_path / "timid")
            found = release(town, better, CAREFUL, Order("journey", "it knows all there is to know"))
            assert (found.status, town.versions()) == ("done", {better}), found
            town.say(f"released: {found.words}")
            judge_the_others(town, better, tmp_path)
            town.wait(lambda: traffic.sent > 0, "customers have come all the time")
            settle(traffic)
            lost_before = traffic.lost
            roll_back_bad_releases(town, better, tmp_path, traffic)
        town.say(f"{traffic.sent:,} requests, {lost_before} lost but for the bad release, {traffic.lost} in all")
        assert lost_before == 0
        prove_the_record(town)


def put_a_version_that_knows_half_in_production(town: Town) -> None:
    table = town.home / "mixed.csv"
    write_sample(table, 1500, seed=7)
    mix_up(table)
    town.churn("ring", "--data", str(table), "--trials", "1", "--candidates", "logistic")
    town.say("version 1 is in production: it was trained on customers whose columns were mixed up")


def mix_up(table: Path) -> None:
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    order = list(range(len(rows)))
    random.Random(3).shuffle(order)
    mixed = [{**row, **{name: rows[other][name] for name in MIXED_UP}} for row, other in zip(rows, order, strict=True)]
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        writer.writerows(mixed)


def train_on_sound_customers(town: Town, timid: Path) -> int:
    """Train version 2, and leave a miscalibrated twin of its bundle in a folder."""
    table = town.home / "sound.csv"
    write_sample(table, 6000, seed=8)
    with own_tracking(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_stage, "log_model", with_a_timid_twin(log_model, timid))
        made = make_version(
            load_contract(ROOT / "contracts" / "telco.yaml"), str(table),
            overrides={"trials": 1, "candidates": ("logistic",), "workers": 1}, settings=settings_of(town), say=silent,
        )  # fmt: skip
    town.say(f"version {made.registered.version} was trained on sound customers")
    return made.registered.version


def release(town: Town, version: int, plan: dict[str, Any], order: Order) -> Release:
    path = town.home / "plan.yaml"
    path.write_text(yaml.safe_dump(plan), encoding="utf-8")
    with own_tracking():
        open_tracking(settings_of(town))
        return start(version, order, path, settings=settings_of(town), say=lambda words: town.say(f"  {words}"))


def judge_the_others(town: Town, better: int, scratch: Path) -> None:
    """Each beside version 2: the decision, and the reason that it has to give."""
    settings, sound = settings_of(town), bundle_of(better, settings_of(town))
    faulty_bundle(scratch / "slow", sound, column="Contract", category="Two year", fault="slow")
    challengers = {
        "equal": (challenge(sound, better, settings), "hold", "both contact the same customers"),
        "worse": (challenge(bundle_of(1, settings), better, settings), "reject", "earns"),
        "leaking": (challenge(sound, better, settings, tags={"leakage_audit": "failed"}), "reject", "leakage"),
        "miscalibrated": (challenge(scratch / "timid", better, settings), "reject", "calibrat"),
        "slower": (challenge(scratch / "slow", better, settings), "reject", "latency"),
    }
    for name, (version, decision, reason) in challengers.items():
        verdict = judged(town, version)
        town.say(f"{name}: {verdict.decision}: {'; '.join(verdict.reasons)}")
        assert verdict.decision == decision, (name, verdict)
        assert any(reason in each for each in verdict.reasons), (name, verdict.reasons)
    assert town.versions() == {better}


def judged(town: Town, version: int) -> Verdict:
    settings = settings_of(town)
    registry = ModelRegistry(settings.tracking_uri)
    with own_tracking():
        open_tracking(settings)
        candidate, production = registry.version(settings.model, version), registry.production(settings.model)
        return judge_version(candidate, production, read_parameters("gate", Gate), settings=settings).verdict


def roll_back_bad_releases(town: Town, better: int, scratch: Path, traffic: Traffic) -> None:
    """Somebody overrides the gate: one fails on customers of a kind, one is slow on all."""
    sound, settings = bundle_of(better, settings_of(town)), settings_of(town)
    for fault in ("raise", "slow"):
        folder = scratch / f"bad-{fault}"
        faulty_bundle(folder, sound, column="Contract", category="Month-to-month", fault=fault, multiplied=PLAINLY_SLOW)
        bad, lost = challenge(folder, better, settings), traffic.lost
        found = release(town, bad, HASTY, Order("journey", "somebody is in a hurry", is_override=True))
        assert found.status == "rolled_back", found
        seconds = after_the_move(town, bad)
        town.wait(lambda: town.versions() == {better}, "both doors are back")
        settle(traffic)
        town.say(f"{fault}: {found.words}; {traffic.lost - lost} requests failed meanwhile")
        assert seconds < PROMISED_SECONDS
        assert fault == "raise" or traffic.lost == lost


def after_the_move(town: Town, version: int) -> float:
    """Seconds from the promotion to the rollback, by the log."""
    with town._database() as engine:
        moves = PromotionLog(engine).history("churn")
    done = [one for one in moves if one.status == "done" and one.alias == "production"]
    back, there = done[0], done[1]
    assert (back.action, there.to_version) == ("rollback", version)
    return (datetime.fromisoformat(back.at) - datetime.fromisoformat(there.at)).total_seconds()


def settle(traffic: Traffic) -> None:
    """Wait until what was sent until now is answered: bursts are counted when they end."""
    bursts, deadline = len(traffic.bursts), time.monotonic() + 60
    while len(traffic.bursts) < bursts + 2 and time.monotonic() < deadline:
        time.sleep(0.1)


def prove_the_record(town: Town) -> None:
    found = json.loads(town.churn("replay", "--since", "2020-01-01T00:00:00Z", "--json"))["versions"]
    identical, asked = (sum(one[name] for one in found) for name in ("identical", "asked"))
    town.say(f"replay: {identical:,} of {asked:,} predictions of {len(found)} versions are identical in every bit")
    assert identical == asked > 0
    town.say(f"log: {town.churn('audit', 'verify').strip()}")
    town.say(town.churn("release", "status").strip())


def settings_of(town: Town) -> PipelineSettings:
    tracking = f"sqlite:///{town.home / 'mlflow.db'}"
    return PipelineSettings.model_validate(
        {"home": town.home, "tracking": tracking, "actor": "journey", "doors": town.doors}
    )
