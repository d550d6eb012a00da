"""A bundle is proven in a process of its own, which a bad one can't leave."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from churn.bundle.files import GOLDEN, REFERENCE, GoldenRows, Manifest, digest_of, hash_file, seal, verify
from churn.contract.contract import Contract
from churn.errors import BundleError
from pipelines import prove
from pipelines.proof import Claim, Limits
from pipelines.prove import prove_folder
from tests.bundles import faulty_bundle


def claim(folder: Path, digest: str, limits: Limits | None = None) -> Claim:
    return Claim(folder=folder, name="churn", version=3, digest=digest, limits=limits or Limits())


def sealed_again(folder: Path, manifest: Manifest) -> str:
    hashes = {name: hash_file(folder / name) for name in manifest.sha256}
    return seal(folder, manifest.model_copy(update={"sha256": hashes}))


@pytest.fixture
def copy(bundle_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle_folder, tmp_path / "copy"))


def test_a_bundle_that_holds_gives_its_whole_sample_a_probability(bundle_folder: Path) -> None:
    assert prove_folder(claim(bundle_folder, digest_of(bundle_folder))).rows == len(
        pd.read_parquet(bundle_folder / REFERENCE)
    )


def test_a_bundle_with_another_digest_does_not_hold(bundle_folder: Path) -> None:
    with pytest.raises(BundleError, match=r"the bundle of version 3 of churn does not hold: .* was registered"):
        prove_folder(claim(bundle_folder, "0" * 64))


def test_a_bundle_whose_golden_answers_are_others_does_not_hold(copy: Path) -> None:
    manifest = verify(copy)
    golden = GoldenRows.model_validate_json((copy / GOLDEN).read_bytes())
    others = tuple(one.model_copy(update={"probability": one.probability / 2}) for one in golden.rows)
    (copy / GOLDEN).write_text(GoldenRows(rows=others).model_dump_json())

    with pytest.raises(BundleError, match="golden row 1 of"):
        prove_folder(claim(copy, sealed_again(copy, manifest)))


def test_a_bundle_that_says_no_number_of_somebody_does_not_hold(bundle_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "faulty"
    faulty_bundle(folder, bundle_folder, column="Contract", category="Two year", fault="nan")
    manifest = verify(folder)
    shutil.copy(bundle_folder / REFERENCE, folder / REFERENCE)  # with customers of that category

    with pytest.raises(BundleError, match=r"row \d+ of the reference sample gives nan"):
        prove_folder(claim(folder, sealed_again(folder, manifest)))


def test_a_bundle_that_wants_too_much_room_ends_its_own_process_only(bundle_folder: Path) -> None:
    with pytest.raises(BundleError, match="of version 3 of churn"):
        prove_folder(claim(bundle_folder, digest_of(bundle_folder), Limits(memory_bytes=200 << 20)))


def test_a_bundle_that_is_not_loaded_in_time_is_not_waited_for(
    bundle_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prove, "TIMEOUT_SECONDS", 0.01)

    with pytest.raises(BundleError, match="was not loaded within"):
        prove_folder(claim(bundle_folder, digest_of(bundle_folder)))


def test_the_sample_of_a_bundle_is_read_as_the_graph_wants_it(bundle_folder: Path, telco: Contract) -> None:
    from churn.scoring.loading import load_scorer
    from pipelines.proof import _sample

    columns = _sample(load_scorer(bundle_folder, name="churn", version=1), bundle_folder)

    assert set(columns) == set(telco.columns)
    assert columns["tenure"].dtype == np.float32
    assert all(isinstance(value, str) for value in columns["gender"])
