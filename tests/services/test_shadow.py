"""A shadow beside real relays, stores and bundles."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from churn.bundle.files import digest_of
from churn.contract.contract import Contract
from churn.errors import RefusedError
from churn.scoring.loading import load_scorer
from churn.scoring.prediction import Prediction
from churn.scoring.replaying import replayed
from churn.stores.database import open_migrated
from churn.stores.predictions import PredictionStore
from churn.stores.relay import Relay, RelayReport
from churn.stores.shadows import ShadowStore, is_sampled, shadow_id
from churn.stores.spool import SpoolLimits, SpoolWriter
from services.exchange import Pointer, ShadowState, write_note
from services.settings import ServiceSettings
from services.shadow import Shadow, ShadowedStore, Sink
from tests.bundles import small_bundle
from tests.churn.stores.records import prediction

VERSION = 5
MOMENTS = ["2026-11-21T06:00:00.123Z", "2026-11-21T06:00:01.000Z"]


@dataclass(frozen=True)
class Scene:
    """A home, its store, and what an attendant has at hand."""

    settings: ServiceSettings
    engine: Engine
    shadow: Shadow
    telco: Contract

    @property
    def state(self) -> ShadowState:
        assert self.shadow.state is not None
        return self.shadow.state

    def cast(self, folder: Path, *, version: int = VERSION) -> None:
        """Do what the mirror does."""
        digest = digest_of(folder)
        shutil.copytree(folder, self.settings.bundle_folder / digest, dirs_exist_ok=True)
        write_note(Pointer(name=self.settings.model, version=version, digest=digest), self.settings.shadow_file)

    def customers(self, count: int) -> list[Prediction]:
        tenures = np.random.default_rng(0).integers(0, 72, count).tolist()
        return [
            prediction(number, customer_id=f"c-{number}", inputs={**self.telco.example, "tenure": tenure})
            for number, tenure in enumerate(tenures)
        ]

    def move(self, records: Sequence[Prediction], *, shadow: Shadow | None = None, store: Sink | None = None) -> int:
        """Spool records, let a new relay move them, and return how many it moved."""
        with SpoolWriter(self.settings.spool_folder, "api", SpoolLimits(sync_seconds=3600.0)) as writer:
            for record in records:
                assert writer.append(record.to_json())
        sink = ShadowedStore(store or PredictionStore(self.engine), shadow or self.shadow)
        report = Relay(self.settings.spool_folder, sink).run_once()
        assert report == RelayReport(moved=len(records))
        return PredictionStore(self.engine).count()

    def shadows(self) -> list[Prediction]:
        return PredictionStore(self.engine).window("churn", roles=["shadow"])


@pytest.fixture
def scene(settings: ServiceSettings, telco: Contract) -> Scene:
    settings.home.mkdir(parents=True)
    engine = open_migrated(settings.database_url)
    return Scene(settings, engine, Shadow(settings), telco)


def test_a_shadow_is_stored_beside_each_prediction_and_says_what_its_bundle_says(
    scene: Scene, other_bundle: Path
) -> None:
    scene.cast(other_bundle)
    heard = scene.customers(40)

    assert scene.move(heard) == 40
    scorer = load_scorer(other_bundle, name="churn", version=VERSION)
    found = {each.prediction_id: each for each in scene.shadows()}
    assert len(found) == 40
    for each in heard:
        beside = found[shadow_id(VERSION, each.prediction_id)]
        expected, decision = scorer.score_one(scorer.form.read(json.dumps(each.inputs).encode()).row)
        assert beside.probability == expected
        assert (beside.churn_prediction, beside.risk_level) == (decision.churn_prediction, decision.risk_level)
        assert (beside.model_version, beside.role, beside.door) == (VERSION, "shadow", "attendant")
        assert (beside.customer_id, beside.predicted_at) == (each.customer_id, each.predicted_at)
        assert beside.inputs == each.inputs
    agreed = sum(each.churn_prediction == 1 for each in found.values())
    assert scene.state == ShadowState(version=VERSION, scored=40, agreed=agreed)


def test_what_is_moved_again_is_stored_once(scene: Scene, other_bundle: Path) -> None:
    """As after kill -9 between storing and noting: another attendant begins at the same place, with the same ids."""
    scene.cast(other_bundle)
    heard = scene.customers(20)
    for _ in range(3):
        assert scene.move(heard, shadow=Shadow(scene.settings)) == 20

    assert len(scene.shadows()) == 20


def test_a_share_is_drawn_by_the_prediction_and_a_smaller_one_is_inside_a_larger() -> None:
    names = [f"p-{number}" for number in range(20_000)]
    drawn = {share: {name for name in names if is_sampled(name, share)} for share in (0.0, 0.1, 0.5, 1.0)}

    assert [len(drawn[share]) for share in (0.0, 1.0)] == [0, 20_000]
    assert len(drawn[0.1]) == pytest.approx(2_000, abs=150)
    assert drawn[0.1] < drawn[0.5] < drawn[1.0]


def test_only_the_share_is_scored(scene: Scene, other_bundle: Path) -> None:
    scene.cast(other_bundle)
    heard = scene.customers(200)
    scene.move(heard, shadow=Shadow(scene.settings.model_copy(update={"shadow_share": 0.3})))

    expected = {shadow_id(VERSION, each.prediction_id) for each in heard if is_sampled(each.prediction_id, 0.3)}
    assert {each.prediction_id for each in scene.shadows()} == expected
    assert 30 < len(expected) < 90


def test_a_shadow_is_taken_up_and_let_go_between_two_runs(scene: Scene, other_bundle: Path) -> None:
    heard = scene.customers(30)
    scene.move(heard[:10])
    assert (scene.shadow.state, scene.shadows()) == (None, [])

    scene.cast(other_bundle)
    scene.move(heard[10:20])
    scene.settings.shadow_file.unlink()
    scene.move(heard[20:])

    assert {each.customer_id for each in scene.shadows()} == {each.customer_id for each in heard[10:20]}
    assert scene.shadow.state is None


def test_a_version_in_production_is_no_shadow_of_itself(scene: Scene, other_bundle: Path) -> None:
    scene.cast(other_bundle, version=3)
    scene.move(scene.customers(5))

    assert scene.shadows() == []


def test_a_shadow_s_prediction_has_no_shadow(scene: Scene, other_bundle: Path) -> None:
    scene.cast(other_bundle)
    scene.move([replace(each, role="shadow") for each in scene.customers(5)])

    assert {each.model_version for each in scene.shadows()} == {3}


def test_a_shadow_of_another_contract_reads_what_it_knows_and_counts_what_it_can_not(
    scene: Scene, tmp_path: Path
) -> None:
    columns = {name: column for name, column in scene.telco.columns.items() if name != "gender"}
    small_bundle(tmp_path / "sealed", scene.telco.model_copy(update={"columns": columns}))
    scene.cast(tmp_path / "sealed")
    heard = scene.customers(6)
    heard[5] = replace(heard[5], inputs={name: value for name, value in heard[5].inputs.items() if name != "tenure"})

    assert scene.move(heard) == 6
    assert len(scene.shadows()) == 5
    assert (scene.state.scored, scene.state.unreadable, scene.state.problem) == (5, 1, "")
    assert replayed(load_scorer(tmp_path / "sealed", name="churn", version=VERSION), scene.shadows()) == []


def test_a_bundle_that_rotted_on_disk_holds_up_nothing(scene: Scene, other_bundle: Path) -> None:
    scene.cast(other_bundle)
    (scene.settings.bundle_folder / digest_of(other_bundle) / "model.onnx").write_bytes(b"rot")

    assert scene.move(scene.customers(5)) == 5
    assert "model.onnx" in scene.state.problem
    assert scene.shadows() == []


@pytest.mark.parametrize(("wrong", "words"), [(ValueError("4711"), "ValueError"), (np.nan, "BundleError")])
def test_whatever_a_shadow_does_production_is_stored_and_the_failure_is_counted(
    scene: Scene, other_bundle: Path, wrong: object, words: str
) -> None:
    def fails(_: object) -> np.ndarray:
        if isinstance(wrong, Exception):
            raise wrong
        return np.full(5, wrong)

    scene.cast(other_bundle)
    scene.shadow.beside([])
    assert scene.shadow._scorer is not None
    scene.shadow._scorer.score_columns = fails  # type: ignore[method-assign, assignment]

    assert scene.move(scene.customers(5)) == 5
    assert scene.shadows() == []
    assert (scene.state.failed, scene.state.problem) == (5, words)


class StoreWithoutShadows:
    """Refuses a batch with a shadow in it."""

    def __init__(self, store: PredictionStore) -> None:
        self._store = store

    def add(self, records: Sequence[Prediction]) -> int:
        if any(record.role == "shadow" for record in records):
            raise RefusedError("the database refused the values")
        return self._store.add(records)


def test_a_refused_shadow_does_not_take_production_s_records_with_it(scene: Scene, other_bundle: Path) -> None:
    scene.cast(other_bundle)

    assert scene.move(scene.customers(5), store=StoreWithoutShadows(PredictionStore(scene.engine))) == 5
    assert (scene.state.failed, "refused" in scene.state.problem) == (5, True)


def test_a_pair_is_of_one_prediction_even_when_a_customer_is_asked_for_twice_at_once(
    scene: Scene, other_bundle: Path
) -> None:
    scene.cast(other_bundle)
    heard = [
        prediction(f"{moment}-{tenure}", predicted_at=moment, inputs={**scene.telco.example, "tenure": tenure})
        for moment in MOMENTS
        for tenure in (1, 60)
    ]
    scene.move([replace(each, probability=int(str(each.inputs["tenure"])) / 100) for each in heard])
    found = ShadowStore(scene.engine).pairs("churn", VERSION)

    assert [each.production.probability for each in found] == [int(str(each.inputs["tenure"])) / 100 for each in found]
    assert len(found) == 4
    assert len({(each.inputs["tenure"], each.shadow.probability) for each in found}) == 2
    assert {each.shadow.version for each in found} == {VERSION}
    assert ShadowStore(scene.engine).pairs("churn", VERSION + 1) == []
