import json
import math
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from churn.bundle.additivity import log_odds
from churn.bundle.files import CONTRACT, GOLDEN, MANIFEST, MODEL, POLICY, verify
from churn.bundle.making import graph_of
from churn.bundle.parity import prove_parity
from churn.bundle.session import GraphSession
from churn.contract.contract import Contract
from churn.errors import BundleError
from churn.features.frame import raw_frame
from churn.models.candidates import CANDIDATES
from churn.scoring.loading import load_scorer
from tests.bundles import fitted_pipeline, random_columns, small_bundle


@pytest.fixture
def copied(bundle_folder: Path, tmp_path: Path) -> Path:
    return Path(copytree(bundle_folder, tmp_path / "bundle"))


@pytest.mark.parametrize("candidate", ["logistic", "catboost"])
def test_the_graph_equals_the_pipeline_on_rows_it_never_saw(telco: Contract, candidate: str) -> None:
    fitted = fitted_pipeline(telco, candidate, random_columns(telco, 300, seed=1))
    graph = GraphSession(graph_of(candidate, fitted, telco).SerializeToString(), telco)
    unseen = random_columns(telco, 20_000, seed=2)
    unseen["PaymentMethod"][::7] = "carrier pigeon"

    difference = np.abs(graph.score(unseen) - fitted.predict_proba(raw_frame(unseen))[:, 1])

    assert difference.max() <= 1e-5


@pytest.mark.parametrize("candidate", CANDIDATES)
def test_every_candidate_makes_a_bundle_that_scores_and_explains_rows_and_batches_alike(
    telco: Contract, tmp_path: Path, candidate: str
) -> None:
    digest = small_bundle(tmp_path / "b", telco, candidate=candidate)
    scorer = load_scorer(tmp_path / "b", name="churn", version=1, digest=digest)
    columns = random_columns(telco, 50, seed=3)

    batch = scorer.score_columns(columns)

    one_by_one = [scorer.score_row({name: values[row] for name, values in columns.items()}) for row in range(50)]
    assert np.array_equal(batch, one_by_one)
    additivity = verify(tmp_path / "b").additivity
    assert additivity is not None
    assert additivity.max_difference <= 1e-4
    assert scorer.explainer is not None
    total = scorer.explainer.contributions(columns).astype(np.float64).sum(axis=1)
    assert np.abs(total - log_odds(batch)).max() <= 2e-4


def test_a_difference_above_the_bound_refuses_the_bundle() -> None:
    with pytest.raises(BundleError, match=r"row 2 of 3 differs by 2\.00e-05"):
        prove_parity(np.array([0.1, 0.2, 0.3]), np.array([0.1, 0.20002, 0.3]))


def test_a_nan_is_not_equal_to_anything() -> None:
    with pytest.raises(BundleError, match="row 1 of 1"):
        prove_parity(np.array([math.nan]), np.array([math.nan]))


@pytest.mark.parametrize("name", [MODEL, CONTRACT, POLICY, GOLDEN])
def test_one_changed_byte_is_found_before_anything_loads(copied: Path, name: str) -> None:
    content = bytearray((copied / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / name).write_bytes(content)

    with pytest.raises(BundleError, match=f"{name} .* is not the file that was sealed"):
        load_scorer(copied, name="churn", version=1)


def test_a_changed_manifest_is_found_by_its_registered_digest(bundle_folder: Path, copied: Path) -> None:
    manifest = json.loads((copied / MANIFEST).read_text())
    (copied / MANIFEST).write_text(json.dumps({**manifest, "candidate": "another"}))

    with pytest.raises(BundleError, match="was registered"):
        load_scorer(copied, name="churn", version=1, digest=load_scorer(bundle_folder, name="churn", version=1).digest)


def test_a_file_that_the_manifest_does_not_list_is_refused(copied: Path) -> None:
    (copied / "extra.py").write_text("print('hello')")

    with pytest.raises(BundleError, match=r"extra\.py"):
        verify(copied)


def test_a_missing_file_is_refused(copied: Path) -> None:
    (copied / MODEL).unlink()

    with pytest.raises(BundleError, match=MODEL):
        verify(copied)


def test_a_graph_that_answers_differently_is_refused_by_its_golden_rows(copied: Path) -> None:
    golden = json.loads((copied / GOLDEN).read_text())
    golden["rows"][0]["probability"] += 0.01
    (copied / GOLDEN).write_text(json.dumps(golden))
    _seal_again(copied)

    with pytest.raises(BundleError, match="golden row 1"):
        load_scorer(copied, name="churn", version=1)


def test_a_graph_that_onnx_refuses_is_a_bundle_error(copied: Path) -> None:
    (copied / MODEL).write_bytes(b"not a graph")
    _seal_again(copied)

    with pytest.raises(BundleError, match="can't be loaded"):
        load_scorer(copied, name="churn", version=1)


def test_the_same_ingredients_make_the_same_graph(telco: Contract, tmp_path: Path) -> None:
    for name in ("a", "b"):
        small_bundle(tmp_path / name, telco)

    assert (tmp_path / "a" / MODEL).read_bytes() == (tmp_path / "b" / MODEL).read_bytes()


def _seal_again(folder: Path) -> None:
    from churn.bundle.files import Manifest, hash_file, seal

    manifest = Manifest.model_validate_json((folder / MANIFEST).read_text())
    seal(folder, manifest.model_copy(update={"sha256": {name: hash_file(folder / name) for name in manifest.sha256}}))
