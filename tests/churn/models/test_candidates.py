"""The battery that every candidate has to pass; a new one joins by its line in CANDIDATES."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from churn.bundle.making import graph_of, with_hard_rows
from churn.bundle.session import GraphSession
from churn.contract.contract import Contract
from churn.contract.table import Columns
from churn.features.frame import raw_frame
from churn.models.calibration import CalibratedPipeline
from churn.models.candidate import Recipe
from churn.models.candidates import CANDIDATES
from tests.bundles import random_columns, random_target

pytestmark = pytest.mark.parametrize("candidate", CANDIDATES)


def fitted(
    candidate: str, contract: Contract, columns: Columns, target: np.ndarray, *, seed: int = 0
) -> CalibratedPipeline:
    made = CANDIDATES[candidate]
    pipeline = made.build(
        Recipe(contract, {**made.defaults, **({"iterations": 40} if candidate == "catboost" else {})}, seed)
    )
    return CalibratedPipeline(pipeline, folds=3, seed=seed).fit(raw_frame(columns), target)


def scores(model: CalibratedPipeline, columns: Columns) -> np.ndarray:
    return np.asarray(model.predict_proba(raw_frame(columns))[:, 1])


def only(contract: Contract, *, numbers: bool) -> Contract:
    """The contract with only its numbers, or only its categories."""
    columns = {name: column for name, column in contract.columns.items() if column.is_numeric is numbers}
    derived = {} if not numbers else {name: how for name, how in contract.derived.items() if name != "services"}
    kept = contract.model_dump() | {
        "columns": columns,
        "derived": derived,
        "relations": {},
        "economics": None,
        "segments": None,
        "survival": None,
    }
    return Contract.model_validate(kept)


def assert_parity(candidate: str, contract: Contract, model: CalibratedPipeline, columns: Columns) -> None:
    graph = GraphSession(graph_of(candidate, model, contract).SerializeToString(), contract)
    hard = with_hard_rows(contract, columns)
    assert np.abs(graph.score(hard) - scores(model, hard)).max() <= 1e-5


def test_it_fits_on_sixty_rows_and_gives_probabilities(telco: Contract, candidate: str) -> None:
    columns = random_columns(telco, 60, seed=1)
    model = fitted(candidate, telco, columns, random_target(columns, seed=1))

    found = model.predict_proba(raw_frame(random_columns(telco, 300, seed=2)))

    assert found.shape == (300, 2)
    assert ((found >= 0) & (found <= 1)).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_the_same_seed_gives_the_same_scores(telco: Contract, candidate: str) -> None:
    columns = random_columns(telco, 120, seed=1)
    target = random_target(columns, seed=1)

    first, second = (scores(fitted(candidate, telco, columns, target), columns) for _ in range(2))

    assert np.array_equal(first, second)


def test_the_order_of_the_frame_s_columns_does_not_matter(telco: Contract, candidate: str) -> None:
    columns = random_columns(telco, 120, seed=1)
    target = random_target(columns, seed=1)
    turned = dict(reversed(columns.items()))

    assert np.array_equal(
        scores(fitted(candidate, telco, columns, target), turned),
        scores(fitted(candidate, telco, turned, target), columns),
    )


def test_one_row_is_scored_like_the_batch_it_comes_from(telco: Contract, candidate: str) -> None:
    columns = random_columns(telco, 120, seed=1)
    model = fitted(candidate, telco, columns, random_target(columns, seed=1))

    one = scores(model, {name: values[:1] for name, values in columns.items()})

    np.testing.assert_allclose(one, scores(model, columns)[:1], atol=1e-9)


def test_a_category_never_seen_survives_in_pipeline_and_graph(telco: Contract, candidate: str) -> None:
    columns = random_columns(telco, 120, seed=1)
    model = fitted(candidate, telco, columns, random_target(columns, seed=1))
    strange = {
        name: np.full_like(values, "never seen") if values.dtype == object else values
        for name, values in random_columns(telco, 20, seed=3).items()
    }

    assert np.isfinite(scores(model, strange)).all()
    assert_parity(candidate, telco, model, strange)


@pytest.mark.parametrize("name", ["tenure", "TotalCharges", "SeniorCitizen", "PaymentMethod"])
def test_a_column_without_any_value_survives(telco: Contract, candidate: str, name: str) -> None:
    columns = random_columns(telco, 120, seed=1)
    target = random_target(columns, seed=1)
    columns[name] = np.full_like(columns[name], "" if columns[name].dtype == object else np.nan)

    model = fitted(candidate, telco, columns, target)

    assert np.isfinite(scores(model, columns)).all()
    assert_parity(candidate, telco, model, random_columns(telco, 50, seed=4))


def test_a_constant_column_survives(telco: Contract, candidate: str) -> None:
    columns = random_columns(telco, 120, seed=1)
    target = random_target(columns, seed=1)
    columns["MonthlyCharges"] = np.full_like(columns["MonthlyCharges"], 20)
    columns["Contract"] = np.full_like(columns["Contract"], "One year")

    model = fitted(candidate, telco, columns, target)

    assert_parity(candidate, telco, model, random_columns(telco, 50, seed=4))


@pytest.mark.parametrize("numbers", [True, False], ids=["only numbers", "only categories"])
def test_a_contract_of_one_kind_of_column_works(telco: Contract, candidate: str, numbers: bool) -> None:
    contract = only(telco, numbers=numbers)
    columns = random_columns(contract, 150, seed=1)

    model = fitted(candidate, contract, columns, random_target(columns, seed=1))

    assert_parity(candidate, contract, model, random_columns(contract, 100, seed=2))


def test_the_graph_equals_the_pipeline_on_hard_rows(telco: Contract, candidate: str) -> None:
    columns = random_columns(telco, 400, seed=1)
    model = fitted(candidate, telco, columns, random_target(columns, seed=1))
    hard = random_columns(telco, 500, seed=5)
    rng = np.random.default_rng(6)
    extremes = np.array([np.nan, 0, -0.0, 1e-30, 1e4, 1e6, 1e30, -1e30], np.float32)
    for name, values in hard.items():
        if values.dtype != object:
            hard[name] = np.where(rng.random(500) < 0.3, rng.choice(extremes, 500), values).astype(np.float32)
        else:
            hard[name] = np.where(rng.random(500) < 0.3, rng.choice(["", "Yes ", "\u00e9", "No"], 500), values).astype(
                object
            )

    assert_parity(candidate, telco, model, hard)


def test_the_graph_equals_a_pipeline_that_is_far_too_sure(telco: Contract, candidate: str) -> None:
    """A target that one column gives away drives log-odds to where probabilities end."""
    columns = random_columns(telco, 200, seed=1)
    target = (columns["Contract"] == "Two year").astype(np.int8)
    columns["tenure"] = np.where(target == 1, 1000, 1).astype(np.float32)

    model = fitted(candidate, telco, columns, target)

    assert_parity(candidate, telco, model, columns)


def test_it_beats_chance_on_a_signal(telco: Contract, candidate: str) -> None:
    train, unseen = random_columns(telco, 800, seed=1), random_columns(telco, 800, seed=2)
    model = fitted(candidate, telco, train, random_target(train, seed=1))

    assert roc_auc_score(random_target(unseen, seed=2), scores(model, unseen)) > 0.65


def test_it_finds_nothing_where_there_is_nothing(telco: Contract, candidate: str) -> None:
    columns, unseen = random_columns(telco, 600, seed=1), random_columns(telco, 600, seed=2)
    target = np.random.default_rng(3).integers(0, 2, 600).astype(np.int8)

    model = fitted(candidate, telco, columns, target)

    assert 0.4 < roc_auc_score(np.random.default_rng(4).integers(0, 2, 600), scores(model, unseen)) < 0.6
    assert pd.Series(scores(model, unseen)).between(0.2, 0.8).mean() > 0.9


def test_its_search_space_holds_its_defaults(candidate: str) -> None:
    import optuna

    made = CANDIDATES[candidate]

    suggested = made.suggest(optuna.trial.FixedTrial(dict(made.defaults)))

    assert suggested == made.defaults
    assert made.name == candidate
