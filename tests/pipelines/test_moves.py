"""Aliases other than production: given and taken with the care of a promotion."""

import pytest

from churn.errors import BundleError, ConflictError, NotFoundError, StoreError, UsageError
from churn.stores.database import open_migrated
from churn.stores.leases import hold_lease
from churn.stores.promotions import PromotionLog
from churn.stores.registry import ModelRegistry, RegisteredBundle
from pipelines.moves import Order, give_alias, take_alias
from pipelines.moving import Mover, Step
from tests.pipelines.shops import Counter, counter, logged

__all__ = ["counter", "logged"]

ORDER = Order("ann", "we wonder")


def test_what_gives_and_takes_an_alias_is_noted_and_its_tags_go_with_it(counter: Counter) -> None:
    settings = counter.settings
    give_alias("canary", 1, ORDER, settings=settings, tags={"canary_share": "0.1"})
    first = counter.version(1).tags
    give_alias("canary", 2, ORDER, settings=settings, tags={"canary_share": "0.2"})
    second, aliases = counter.version(2).tags, counter.aliases
    taken = take_alias("canary", Order("bob", "enough"), settings=settings)

    assert (first["canary_share"], second["canary_share"]) == ("0.1", "0.2")
    assert aliases == {"canary": 2}
    assert taken is not None
    assert taken.version == 2
    assert counter.aliases == {}
    assert not [name for one in (1, 2) for name in counter.version(one).tags if name.startswith("canary_")]
    assert [(one.action, one.alias, one.status, one.from_version, one.to_version) for one in counter.moves] == [
        ("give", "canary", "prepared", None, 1),
        ("give", "canary", "done", None, 1),
        ("give", "canary", "prepared", 1, 2),
        ("give", "canary", "done", 1, 2),
        ("take", "canary", "prepared", 2, None),
        ("take", "canary", "done", 2, None),
    ]
    assert counter.moves[2].details == {"digest": counter.version(2).digest, "tags": {"canary_share": "0.2"}}
    assert (counter.moves[-1].actor, counter.moves[-1].reason) == ("bob", "enough")


def test_to_take_what_nobody_has_is_nothing(counter: Counter) -> None:
    assert take_alias("shadow", ORDER, settings=counter.settings) is None
    assert counter.moves == []


def test_a_version_whose_files_changed_gets_no_alias(counter: Counter) -> None:
    bad = counter.register("bad")

    with pytest.raises(BundleError, match="is not the file that was sealed"):
        give_alias("canary", bad.version, ORDER, settings=counter.settings)

    assert (counter.aliases, counter.moves) == ({}, [])


def test_a_version_that_somebody_registered_by_hand_gets_no_alias(counter: Counter) -> None:
    stranger = counter.register("first", is_noted=False)

    with pytest.raises(BundleError, match="in the registry and not in our log: nobody ran `churn register`"):
        give_alias("canary", stranger.version, ORDER, settings=counter.settings)

    assert counter.aliases == {}


@pytest.mark.parametrize("alias", ["production", "champion"])
def test_production_and_other_peoples_aliases_do_not_move_so(counter: Counter, alias: str) -> None:
    with pytest.raises(UsageError, match="production moves by `churn promote`"):
        give_alias(alias, 1, ORDER, settings=counter.settings)


def test_who_expects_another_version_is_told_of_the_conflict(counter: Counter) -> None:
    with pytest.raises(ConflictError, match="canary is nothing and was expected to be 2"):
        give_alias("canary", 1, Order("ann", "", expected=2), settings=counter.settings)
    with pytest.raises(NotFoundError, match="has no version 9"):
        give_alias("canary", 9, Order("ann", "", expected=0), settings=counter.settings)


def test_while_somebody_moves_an_alias_nobody_else_does_and_others_are_free(counter: Counter) -> None:
    with hold_lease(
        open_migrated(counter.settings.database_url), f"canary:{counter.shop.name}", owner="bob", seconds=60
    ):
        with pytest.raises(ConflictError, match="held by bob"):
            give_alias("canary", 1, ORDER, settings=counter.settings)
        give_alias("staging", 1, ORDER, settings=counter.settings)

    assert counter.aliases == {"staging": 1}


class Lossy(ModelRegistry):
    """Does what it is asked, and its answer is lost."""

    def move_alias(self, bundle: RegisteredBundle, alias: str) -> None:
        super().move_alias(bundle, alias)
        raise StoreError("the answer was lost")


class Away(Lossy):
    """After it was asked it does not answer at all any more."""

    is_away = False

    def move_alias(self, bundle: RegisteredBundle, alias: str) -> None:
        self.is_away = True
        super().move_alias(bundle, alias)

    def aliased(self, name: str, alias: str) -> RegisteredBundle | None:
        if self.is_away:
            raise StoreError("the registry is away")
        return super().aliased(name, alias)


def make(counter: Counter, registry: ModelRegistry) -> None:
    engine = open_migrated(counter.settings.database_url)
    with hold_lease(engine, "staging:x", owner="ann", seconds=60) as lease:
        mover = Mover(counter.shop.name, registry, PromotionLog(engine), lease)
        mover.make(Step("give", "staging", None, counter.version(1), "ann", "why not"))


def test_a_move_whose_answer_was_lost_is_done_when_the_alias_says_so(counter: Counter) -> None:
    make(counter, Lossy(counter.shop.uri))

    assert [one.status for one in counter.moves] == ["prepared", "done"]


def test_a_move_of_which_nobody_knows_stays_unfinished(counter: Counter) -> None:
    with pytest.raises(StoreError, match="away"):
        make(counter, Away(counter.shop.uri))

    assert [one.status for one in counter.moves] == ["prepared"]
