"""Retrain decisions, stored in real databases."""

import pytest
from sqlalchemy import Engine

from churn.errors import ConflictError, NotFoundError
from churn.stores.retrain_decisions import Choice, NewDecision, RetrainDecisionStore


@pytest.fixture
def store(engine: Engine) -> RetrainDecisionStore:
    return RetrainDecisionStore(engine)


def decision(choice: Choice, *, model: str = "churn", reason: str = "because") -> NewDecision:
    return NewDecision(
        model_name=model,
        decision=choice,
        reasons=(reason, "and “that”"),
        facts={"new_labels": 12, "drift": None},
        data_fingerprint="f" * 64,
        actor="a test",
    )


def test_a_decision_comes_back_as_it_was_taken(store: RetrainDecisionStore) -> None:
    number = store.add(decision("wait"))
    found = store.latest("churn")

    assert found is not None
    assert (found.id, found.decision, found.reasons) == (number, "wait", ("because", "and “that”"))
    assert (found.facts, found.data_fingerprint) == ({"new_labels": 12, "drift": None}, "f" * 64)
    assert (found.actor, found.version, found.outcome, found.is_unfinished) == ("a test", None, "", False)


def test_a_decision_to_train_is_unfinished_until_its_end_is_noted_once(store: RetrainDecisionStore) -> None:
    number = store.add(decision("train"))
    begun = store.latest("churn")
    store.finish(number, "promoted: version 3 is in production", version=3)
    ended = store.latest("churn")

    assert begun is not None
    assert begun.is_unfinished
    assert ended is not None
    assert (ended.is_unfinished, ended.version, ended.outcome[:8]) == (False, 3, "promoted")
    with pytest.raises(ConflictError, match="known already: promoted"):
        store.finish(number, "refused")


def test_only_a_decision_to_train_has_an_end(store: RetrainDecisionStore) -> None:
    number = store.add(decision("wait"))

    with pytest.raises(NotFoundError, match=f"no decision {number} to train"):
        store.finish(number, "promoted")


def test_history_is_the_models_own_and_newest_first(store: RetrainDecisionStore) -> None:
    rows: list[tuple[Choice, str, str]] = [("wait", "churn", "a"), ("train", "churn", "b"), ("wait", "other", "c")]
    for choice, model, reason in rows:
        store.add(decision(choice, model=model, reason=reason))

    assert [one.reasons[0] for one in store.history("churn")] == ["b", "a"]
    assert [one.reasons[0] for one in store.history("churn", decision="wait")] == ["a"]
    assert [one.reasons[0] for one in store.history("churn", limit=1)] == ["b"]
    assert store.latest("nobody") is None
    found = store.latest("churn", "wait")
    assert found is not None
    assert found.reasons[0] == "a"
