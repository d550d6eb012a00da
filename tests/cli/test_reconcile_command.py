"""What `churn reconcile`, `status` and `doctor` say where log and registry do not agree; a conflict's exit status."""

import json
import sys
from collections.abc import Callable

import mlflow
import pytest

from churn.stores.database import open_migrated
from churn.stores.leases import hold_lease
from churn.stores.promotions import Move
from cli.examination import examine
from cli.main import run
from tests.pipelines.shops import Counter, counter, logged

__all__ = ["counter", "logged"]

Churn = Callable[..., tuple[int, str]]


@pytest.fixture
def churn(counter: Counter, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Churn:
    """Run the command line in the counter's home; return its exit status and what it said."""
    monkeypatch.setenv("CHURN_HOME", str(counter.settings.home))
    monkeypatch.setenv("CHURN_MODEL", counter.shop.name)
    monkeypatch.setenv("CHURN_TRACKING_URI", counter.shop.uri)
    monkeypatch.setenv("COLUMNS", "400")

    def call(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["churn", *arguments])
        with pytest.raises(SystemExit) as ended:
            run()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    return call


def moved_by_hand(counter: Counter, version: int) -> None:
    mlflow.MlflowClient(counter.shop.uri).set_registered_model_alias(counter.shop.name, "production", str(version))


def test_what_does_not_agree_is_said_by_all_mended_by_one_and_then_said_no_more(counter: Counter, churn: Churn) -> None:
    counter.log.note(Move(counter.shop.name, "promote", None, 1, "ann"), reason="good")
    counter.log.prepare(Move(counter.shop.name, "give", None, 2, "bob", alias="shadow"), reason="we wonder")
    moved_by_hand(counter, 2)

    _, told = churn("status")
    examined = {one.what: one for one in examine()}["moves"]
    _, looked = churn("reconcile", "--dry-run", "--json")
    status, mended = churn("reconcile", "--actor", "ann", "--reason", "it was me")

    assert "MOVED BEHIND OUR BACK: production is version 2 in the registry and version 1 in our log" in told
    assert "UNFINISHED: give of shadow to 2 by bob" in told
    assert examined.state == "warning"
    assert "production is version 2" in examined.cause
    assert "a give of shadow by bob never ended" in examined.cause
    assert [(one["kind"], one["is_mended"]) for one in json.loads(looked)] == [
        ("foreign", False),
        ("stage", False),
        ("unfinished", False),
    ]
    assert status == 0
    assert "mended foreign production: " in mended
    assert churn("reconcile") == (0, "nothing to do: log and registry agree\n")
    assert "MOVED" not in churn("status")[1]
    assert {one.what: one for one in examine()}["moves"].state == "ok"


def test_who_finds_somebody_else_at_work_ends_with_status_4(counter: Counter, churn: Churn) -> None:
    with hold_lease(
        open_migrated(counter.settings.database_url), f"promote:{counter.shop.name}", owner="bob", seconds=60
    ):
        status, said = churn("promote", "--version", "1")

    assert status == 4
    assert "held by bob" in said


def test_who_decided_upon_another_version_ends_with_status_4(churn: Churn) -> None:
    status, said = churn("rollback", "--expected", "2")

    assert status == 4
    assert "production is nothing and was expected to be 2" in said
