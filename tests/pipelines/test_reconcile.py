"""Record and registry agree again: after each kind of disagreement, once."""

import warnings

import mlflow
import pytest

from churn.stores.database import open_migrated
from churn.stores.leases import hold_lease
from churn.stores.promotions import Move
from pipelines.moves import Order
from pipelines.reconcile import reconcile
from pipelines.repairs import Repair, Wish
from tests.pipelines.shops import Counter, counter, logged

__all__ = ["counter", "logged"]

ORDER = Order("ann", "looking after it")


def mended(counter: Counter, *, adopt: str | None = None) -> list[Repair]:
    return reconcile(Wish(ORDER, adopt=adopt), settings=counter.settings)


def kinds(found: list[Repair]) -> list[tuple[str, str]]:
    return [(one.kind, one.alias) for one in found]


@pytest.fixture
def settled(counter: Counter) -> Counter:
    """Version 1 in production, as a promotion leaves it."""
    move = Move(counter.shop.name, "promote", from_version=None, to_version=1, actor="ann")
    move_id = counter.log.prepare(move, reason="good")
    counter.registry.move_production(counter.version(1))
    counter.log.finish(move_id, "done", reason="good")
    counter.registry.mirror_stage(counter.version(1))
    return counter


def prepared(counter: Counter, to: int | None, *, before: int | None = 1, alias: str = "production") -> str:
    action = "promote" if alias == "production" else "give"
    move = Move(counter.shop.name, action, from_version=before, to_version=to, actor="bob", alias=alias)
    return counter.log.prepare(move, reason="better")


def test_where_all_agree_there_is_nothing_to_do(settled: Counter) -> None:
    assert mended(settled) == []
    assert len(settled.moves) == 2


def test_a_move_whose_process_died_is_done_when_the_alias_moved_and_the_stage_follows(settled: Counter) -> None:
    prepared(settled, 2)
    settled.registry.move_production(settled.version(2))

    found = mended(settled)

    assert kinds(found) == [("unfinished", "production"), ("stage", "production")]
    assert settled.log.unfinished(settled.shop.name) == []
    assert (settled.moves[-1].status, settled.moves[-1].to_version) == ("done", 2)
    assert settled.moves[-1].reason.startswith("better (its process died; reconciled by ann: production is version 2")
    assert settled.registry.staged(settled.shop.name) == [2]
    assert mended(settled) == []


def test_a_move_whose_process_died_is_failed_when_the_alias_did_not_move(settled: Counter) -> None:
    prepared(settled, 2)
    prepared(settled, 2, before=None, alias="canary")

    found = mended(settled)

    assert kinds(found) == [("unfinished", "production"), ("unfinished", "canary")]
    assert [one.status for one in settled.moves[-2:]] == ["failed", "failed"]
    assert settled.aliases == {"production": 1}
    assert mended(settled) == []


@pytest.mark.parametrize("version", [2, None])
def test_a_move_behind_our_back_is_noted_and_left_as_it_is(settled: Counter, version: int | None) -> None:
    client = mlflow.MlflowClient(settled.shop.uri)
    if version:
        client.set_registered_model_alias(settled.shop.name, "production", str(version))
    else:
        client.delete_registered_model_alias(settled.shop.name, "production")

    found = mended(settled)

    noted = settled.moves[-1]
    assert found[0].kind == "foreign"
    assert (noted.action, noted.status, noted.from_version, noted.to_version) == ("foreign", "done", 1, version)
    assert noted.actor == "somebody outside"
    assert settled.aliases.get("production") == version
    assert mended(settled) == []


def test_two_versions_with_the_stage_become_one(settled: Counter) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # stages are deprecated
        mlflow.MlflowClient(settled.shop.uri).transition_model_version_stage(settled.shop.name, "2", "Production")
    assert settled.registry.staged(settled.shop.name) == [1, 2]

    assert kinds(mended(settled)) == [("stage", "production")]
    assert settled.registry.staged(settled.shop.name) == [1]


def test_tags_of_an_alias_that_a_version_has_not_are_taken_away(settled: Counter) -> None:
    settled.registry.tag(settled.version(2), {"canary_share": "0.5", "shadow_actor": "ann", "candidate": "logistic"})

    assert kinds(mended(settled)) == [("tags", "canary"), ("tags", "shadow")]
    assert set(settled.version(2).tags) & {"canary_share", "shadow_actor", "candidate"} == {"candidate"}


def test_who_only_looks_changes_nothing(settled: Counter) -> None:
    prepared(settled, 2)
    settled.registry.tag(settled.version(2), {"canary_share": "0.5"})
    before = settled.log.history(settled.shop.name)

    found = reconcile(Wish(ORDER, is_dry=True), settings=settled.settings)

    assert kinds(found) == [("unfinished", "production"), ("tags", "canary")]
    assert not [one for one in found if one.is_mended]
    assert settled.log.history(settled.shop.name) == before
    assert "canary_share" in settled.version(2).tags


def test_a_move_that_somebody_is_making_now_is_left_alone(settled: Counter) -> None:
    prepared(settled, 2)
    lease = f"promote:{settled.shop.name}"
    with hold_lease(open_migrated(settled.settings.database_url), lease, owner="bob", seconds=60):
        found = mended(settled)

    assert kinds(found) == [("busy", "production")]
    assert "held by bob" in found[0].words
    assert len(settled.log.unfinished(settled.shop.name)) == 1


def test_a_version_that_our_log_does_not_know_is_told_of_and_taken_in_with_a_reason(settled: Counter) -> None:
    stranger = settled.register("first", is_noted=False)

    told, taken = mended(settled), mended(settled, adopt="made by hand in the old days")

    assert [(one.kind, one.is_mended) for one in (*told, *taken)] == [("unknown", False), ("unknown", True)]
    assert settled.log.registered_digest(settled.shop.name, stranger.version) == stranger.digest
    assert mended(settled) == []


def test_what_does_not_hold_and_what_was_exchanged_is_not_taken_in(settled: Counter) -> None:
    settled.register("bad", is_noted=False)
    settled.registry.tag(settled.version(2), {"manifest_sha256": settled.version(1).digest})

    found = mended(settled, adopt="please")

    assert [one.is_mended for one in found] == [False, False]
    assert "is not what was registered" in found[0].words
    assert "is not taken in" in found[1].words
