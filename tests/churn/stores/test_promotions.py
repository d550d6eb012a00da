from dataclasses import replace

import pytest
from sqlalchemy import Engine

from churn.errors import BundleError, ConflictError, NotFoundError
from churn.stores.promotions import Move, PromotionLog

MOVE = Move("churn", "promote", from_version=None, to_version=1, actor="ann")


def test_a_move_is_two_rows_under_one_id(engine: Engine) -> None:
    log = PromotionLog(engine)
    move_id = log.prepare(MOVE, reason="better", details={"roc_auc": 0.85})
    log.finish(move_id, "done", "alias set")

    done, prepared = log.history("churn")
    assert (prepared.status, prepared.reason, prepared.details) == ("prepared", "better", {"roc_auc": 0.85})
    assert (done.status, done.reason, done.actor, done.to_version) == ("done", "alias set", "ann", 1)
    assert done.move_id == prepared.move_id == move_id
    assert done.at >= prepared.at


def test_the_last_move_that_was_made_is_neither_a_refused_nor_a_prepared_one(engine: Engine) -> None:
    log = PromotionLog(engine)
    assert log.last_done("churn") is None
    for version, ending in ((1, "done"), (2, "done"), (3, "refused"), (4, "failed")):
        log.finish(log.prepare(replace(MOVE, to_version=version), reason=""), ending)  # type: ignore[arg-type]
    log.prepare(replace(MOVE, to_version=5), reason="")
    log.finish(log.prepare(replace(MOVE, model_name="other", to_version=6), reason=""), "done")

    last = log.last_done("churn")
    assert last is not None
    assert last.to_version == 2


def test_a_move_whose_process_died_is_found(engine: Engine) -> None:
    log = PromotionLog(engine)
    log.finish(log.prepare(MOVE, reason=""), "done")
    dead = log.prepare(replace(MOVE, to_version=2), reason="")

    assert [move.move_id for move in log.unfinished("churn")] == [dead]


def test_history_is_the_newest_first_and_limited(engine: Engine) -> None:
    log = PromotionLog(engine)
    for version in range(5):
        log.prepare(replace(MOVE, to_version=version), reason="")

    assert [row.to_version for row in log.history("churn", limit=2)] == [4, 3]


def test_a_move_ends_once(engine: Engine) -> None:
    log = PromotionLog(engine)
    move_id = log.prepare(MOVE, reason="")
    log.finish(move_id, "failed", "registry away")

    with pytest.raises(ConflictError, match="ended already: failed"):
        log.finish(move_id, "done")


def test_a_move_that_was_not_prepared_can_t_end(engine: Engine) -> None:
    with pytest.raises(NotFoundError, match="'no-such-move' was prepared"):
        PromotionLog(engine).finish("no-such-move", "done")


def test_each_alias_has_its_own_last_move(engine: Engine) -> None:
    log = PromotionLog(engine)
    for version, alias in ((1, "production"), (2, "canary"), (3, "canary"), (4, "staging")):
        log.note(replace(MOVE, to_version=version, alias=alias), reason="")
    log.note(replace(MOVE, action="register", to_version=9, alias=""), reason="", details={"digest": "d"})

    assert {alias: move.to_version for alias, move in log.last_of_each("churn").items()} == {
        "production": 1,
        "canary": 3,
        "staging": 4,
    }
    last = log.last_done("churn")
    assert last is not None
    assert last.to_version == 1


def registered(log: PromotionLog, version: int, digest: str) -> None:
    log.note(replace(MOVE, action="register", to_version=version, alias=""), reason="", details={"digest": digest})


def test_the_digest_of_a_registration_is_found_again_and_the_newest_one_holds(engine: Engine) -> None:
    log = PromotionLog(engine)
    registered(log, 3, "old")
    registered(log, 3, "new")
    registered(log, 4, "other")

    assert [log.registered_digest("churn", version) for version in (2, 3, 4, 5)] == [None, "new", "other", None]
    assert log.registered_digest("elsewhere", 3) is None


def test_what_is_not_as_it_was_registered_is_refused_and_what_is_older_than_the_log_is_believed(engine: Engine) -> None:
    log = PromotionLog(engine)
    log.require_registered("churn", 7, "anything")
    registered(log, 3, "a" * 64)

    log.require_registered("churn", 2, "anything")
    log.require_registered("churn", 3, "a" * 64)
    with pytest.raises(BundleError, match=r"version 3 of churn has the digest bbbbbbbbbbbb .* aaaaaaaaaaaa in our log"):
        log.require_registered("churn", 3, "b" * 64)
    with pytest.raises(BundleError, match="version 3 of churn has the digest of nothing"):
        log.require_registered("churn", 3, "")
    with pytest.raises(BundleError, match="version 4 of churn is in the registry and not in our log"):
        log.require_registered("churn", 4, "a" * 64)
