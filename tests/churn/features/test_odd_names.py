import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from churn.bundle.session import CHUNK_ROWS
from churn.contract.column import Column
from churn.contract.contract import Contract, Target
from churn.contract.derived import Ratio
from churn.contract.reading import dump_contract, parse_contract
from churn.contract.table import check_table
from churn.features.frame import DerivedColumns, number_features, raw_frame, text_features
from churn.models.candidates import CANDIDATES
from churn.scoring.loading import load_scorer
from tests.bundles import random_columns, small_bundle
from tests.churn.contract.contracts import contracts

NUMBERS = ["Monthly Charges", "a/b", "class", "Alter in Jährchen 💶", "/Add_0", "/Add_3", "/constant_0", "/Where_2"]
TEXTS = ['say "hi"', "it's", "Add_0", "label", "pipeline_probability", "index", "target", "x,y;z"]


def odd_contract() -> Contract:
    return Contract(
        name="odd",
        target=Target(column="left", positive="Yes"),
        columns={
            **{name: Column(type="number", minimum=0, maximum=100) for name in NUMBERS},
            **{name: Column(type="category", categories=("a", "b's", 'c"d')) for name in TEXTS},
        },
        derived={"a per b": Ratio(operation="ratio", numerator="a/b", denominator="/Add_0")},
    )


@pytest.mark.parametrize("candidate", CANDIDATES)
def test_odd_column_names_work_from_the_contract_to_the_scorer(candidate: str, tmp_path: Path) -> None:
    contract = parse_contract(dump_contract(odd_contract()), "dumped")
    digest = small_bundle(tmp_path / "odd", contract, candidate=candidate)
    scorer = load_scorer(tmp_path / "odd", name="odd", version=1, digest=digest)

    table = check_table(contract, {**{name: ["5"] for name in NUMBERS}, **{name: ["b's"] for name in TEXTS}})
    request = scorer.form.read(json.dumps({**dict.fromkeys(NUMBERS, 5), **dict.fromkeys(TEXTS, "b's")}).encode())

    assert scorer.score_row(request.row) == pytest.approx(scorer.score_columns(table.columns)[0], abs=1e-6)


def test_a_batch_is_scored_alike_on_both_sides_of_a_chunk_s_end(telco: Contract, bundle_folder: Path) -> None:
    scorer = load_scorer(bundle_folder, name="churn", version=1)
    columns = random_columns(telco, 2 * CHUNK_ROWS + 1, seed=9)
    whole = scorer.score_columns(columns)

    for rows in (1, CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1, 2 * CHUNK_ROWS + 1):
        part = scorer.score_columns({name: values[:rows] for name, values in columns.items()})
        assert len(part) == rows
        np.testing.assert_allclose(part, whole[:rows], atol=1e-6)
    assert len(scorer.score_columns({name: values[:0] for name, values in columns.items()})) == 0


@given(contracts())
@settings(max_examples=30, deadline=None)
def test_features_are_numbers_then_derived_then_categories_whatever_the_order_of_the_frame(contract: Contract) -> None:
    frame = raw_frame(random_columns(contract, 3, seed=0))

    made = DerivedColumns(contract).fit_transform(frame[frame.columns[::-1]])

    assert list(made.columns) == [*number_features(contract), *text_features(contract)]
    assert len(made) == 3
