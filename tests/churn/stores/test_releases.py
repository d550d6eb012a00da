import pytest
from sqlalchemy import Engine

from churn.errors import ConflictError, NotFoundError
from churn.stores.releases import NewRelease, ReleaseStore


@pytest.fixture
def store(engine: Engine) -> ReleaseStore:
    return ReleaseStore(engine)


def new(version: int, model: str = "churn") -> NewRelease:
    return NewRelease(model, version, "shadow", "{}", "Ada", "better on newer customers")


def test_a_release_is_found_at_the_stage_that_it_entered(store: ReleaseStore) -> None:
    begun = store.begin(new(3))

    store.enter(begun.id, "canary-1")

    found = store.open_one("churn")
    assert found is not None
    assert (found.version, found.stage, found.status, found.finished_at) == (3, "canary-1", "running", None)
    assert found.stage_started_at >= found.started_at == begun.started_at


def test_a_second_release_of_a_model_is_refused_while_one_is_under_way(store: ReleaseStore) -> None:
    store.begin(new(3))

    with pytest.raises(
        ConflictError, match=r"version 3 of churn is being released \(shadow\): `churn release start 3`"
    ):
        store.begin(new(4))
    assert store.begin(new(4, "other")).version == 4


def test_a_release_that_ended_makes_room_and_keeps_its_first_end(store: ReleaseStore) -> None:
    begun = store.begin(new(3))
    store.ask_to_stop(begun.id)
    assert store.get(begun.id).is_open

    store.end(begun.id, "stopped", "somebody wanted it")
    store.end(begun.id, "done", "too late")
    store.ask_to_stop(begun.id)

    found = store.get(begun.id)
    assert (found.status, found.words, found.is_open) == ("stopped", "somebody wanted it", False)
    assert found.finished_at is not None
    assert store.open_one("churn") is None
    assert store.begin(new(4)).id == store.history("churn")[0].id


def test_a_release_that_nobody_began_is_not_found(store: ReleaseStore) -> None:
    with pytest.raises(NotFoundError, match="there is no release 9"):
        store.get(9)
