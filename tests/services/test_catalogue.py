from pathlib import Path

import pytest

from churn.contract.contract import Contract
from churn.errors import NotFoundError, StoreError
from churn.stores.registry import ModelRegistry, RegisteredBundle, TrainingFacts
from services import catalogue as cataloguing
from services.catalogue import Cataloguer
from services.exchange import read_note
from services.listed import Catalogue, Measure
from services.settings import ServiceSettings
from tests.registered import promoted


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call looks."""
    monkeypatch.setattr(cataloguing, "LOOK_SECONDS", 0.0)


class Shelf:
    """The port that the catalogue needs, and a count of what was asked."""

    def __init__(self, *versions: int) -> None:
        self.numbers = list(versions)
        self.named = {"production": versions[0], "shadow": versions[-1]} if versions else {}
        self.tags = {"validation_status": "passed", "parity_rows": "187", "manifest_sha256": "0" * 64}
        self.asked: list[str] = []
        self.is_away = False

    def versions(self, name: str) -> list[RegisteredBundle]:
        if self.is_away:
            raise StoreError("away")
        return [
            RegisteredBundle(
                name=name, version=one, digest="0" * 64, run_id=f"run-{one}", created_at=0.0, tags=self.tags
            )
            for one in sorted(self.numbers, reverse=True)
        ]

    def aliases(self, name: str) -> dict[str, int]:
        assert name == "churn"
        return self.named

    def training(self, run_id: str) -> TrainingFacts:
        self.asked.append(run_id)
        if run_id == "run-9":
            raise NotFoundError("deleted")
        metrics = {
            "holdout_roc_auc": 0.8, "holdout_roc_auc_low": 0.7, "holdout_roc_auc_high": 0.9, "holdout_brier": 0.1,
            "holdout_threshold": 0.3, "cv_roc_auc": 0.81, "money_profit": 12.0, "search_roc_auc_logistic": 0.5,
        }  # fmt: skip
        return TrainingFacts(metrics, 900, 60.0)


def listed(settings: ServiceSettings) -> Catalogue:
    found = read_note(Catalogue, settings.catalogue_file)
    assert found is not None
    return found


def test_versions_are_listed_with_what_their_runs_know(settings: ServiceSettings) -> None:
    Cataloguer(settings, lambda: Shelf(2, 1)).look()

    found = listed(settings)
    assert (found.production, found.shadow, [one.version for one in found.versions]) == (2, 1, [2, 1])
    newest = found.versions[0]
    assert (newest.stage, newest.aliases, newest.status) == ("production", ("production",), "passed")
    assert newest.metrics == {"roc_auc": Measure(value=0.8, low=0.7, high=0.9), "brier": Measure(value=0.1)}
    assert newest.cross_validated == {"roc_auc": Measure(value=0.81)}
    assert newest.money == {"profit": 12.0}
    assert (newest.threshold, newest.evaluation_rows, newest.training_rows) == (0.3, 187, 900)
    assert newest.evaluated_at == "1970-01-01T00:01:00.000Z"
    assert "manifest_sha256" not in newest.tags


def test_a_run_is_read_once_and_the_file_is_written_when_something_changed(settings: ServiceSettings) -> None:
    shelf = Shelf(2, 1)
    cataloguer = Cataloguer(settings, lambda: shelf)
    cataloguer.look()
    before = settings.catalogue_file.stat()
    cataloguer.look()
    unchanged = settings.catalogue_file.stat()
    shelf.named = {"production": 1}
    cataloguer.look()

    assert sorted(shelf.asked) == ["run-1", "run-2"]
    assert unchanged.st_ino == before.st_ino
    assert (listed(settings).production, listed(settings).shadow) == (1, None)


def test_a_version_whose_run_was_deleted_is_listed_without_its_facts(settings: ServiceSettings) -> None:
    Cataloguer(settings, lambda: Shelf(9)).look()

    assert (listed(settings).versions[0].metrics, listed(settings).versions[0].training_rows) == ({}, None)


def test_many_versions_are_all_listed_and_their_runs_read_some_at_a_time(settings: ServiceSettings) -> None:
    shelf = Shelf(*range(100, 160))
    cataloguer = Cataloguer(settings, lambda: shelf)

    cataloguer.look()
    first = len(shelf.asked)
    for _ in range(3):
        cataloguer.look()

    assert first == cataloguing.RUNS_AT_ONCE
    assert len(shelf.asked) == 60
    assert all(one.metrics for one in listed(settings).versions)


def test_a_registry_that_is_away_leaves_the_list_as_it_was(settings: ServiceSettings) -> None:
    shelf = Shelf(1)
    cataloguer = Cataloguer(settings, lambda: shelf)
    cataloguer.look()
    shelf.is_away = True

    cataloguer.look()

    assert [one.version for one in listed(settings).versions] == [1]


def test_the_registry_is_not_asked_at_each_call(settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cataloguing, "LOOK_SECONDS", 60.0)
    shelf = Shelf(1)
    cataloguer = Cataloguer(settings, lambda: shelf)
    cataloguer.look()
    shelf.numbers.append(2)

    cataloguer.look()

    assert [one.version for one in listed(settings).versions] == [1]


def test_a_real_registry_is_listed(
    settings: ServiceSettings, bundle_folder: Path, telco: Contract, tmp_path: Path
) -> None:
    made = promoted(bundle_folder, telco, settings, tmp_path)
    registry = ModelRegistry(settings.tracking_uri)

    Cataloguer(settings).look()

    (one,) = listed(settings).versions
    assert (one.version, one.digest, one.aliases, one.metrics) == (1, made.digest, ("production",), {})
    assert registry.aliases("nothing") == {}
    with pytest.raises(NotFoundError, match="no such thing"):
        registry.training("0" * 32)
