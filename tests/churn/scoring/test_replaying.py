from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from churn.contract.contract import Contract
from churn.errors import UsageError
from churn.scoring.loading import load_scorer
from churn.scoring.prediction import Prediction
from churn.scoring.replaying import Difference, columns_of, replayed, row_of
from churn.scoring.scorer import Scorer
from tests.bundles import paying_months, random_columns, small_bundle, tenure_book
from tests.recorded import recorded_alone

ROWS = 40


@pytest.fixture(scope="module")
def scorer(telco: Contract, tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    folder = tmp_path_factory.mktemp("replaying") / "bundle"
    small_bundle(folder, telco, segments=tenure_book(), months=paying_months())
    return load_scorer(folder, name="churn", version=3)


@pytest.fixture(scope="module")
def recorded(scorer: Scorer) -> list[Prediction]:
    return recorded_alone(scorer, random_columns(scorer.contract, ROWS, seed=7))


@pytest.mark.parametrize("candidate", ["logistic", "random_forest", "lightgbm"])
def test_what_a_candidate_answered_alone_is_found_again_in_every_bit(
    telco: Contract, tmp_path: Path, candidate: str
) -> None:
    small_bundle(tmp_path / "bundle", telco, candidate=candidate)
    scorer = load_scorer(tmp_path / "bundle", name="churn", version=3)

    assert replayed(scorer, recorded_alone(scorer, random_columns(telco, 300, seed=8))) == []


def test_nothing_replays_to_nothing(scorer: Scorer) -> None:
    assert replayed(scorer, []) == []


def test_an_edited_input_is_found_and_named(scorer: Scorer, recorded: list[Prediction]) -> None:
    edited = replace(recorded[5], inputs={**recorded[5].inputs, "MonthlyCharges": 19.5})

    found = replayed(scorer, [*recorded[:5], edited, *recorded[6:]])

    assert {each.prediction_id for each in found} == {"p-5"}
    assert found[0].field == "probability"
    assert found[0].recorded == recorded[5].probability
    assert found[0].apart > 1e-6


def test_a_probability_that_is_one_bit_off_is_found(scorer: Scorer, recorded: list[Prediction]) -> None:
    edited = replace(recorded[0], probability=float(np.nextafter(recorded[0].probability, 1)))

    (found,) = replayed(scorer, [edited, *recorded[1:]])

    assert (found.prediction_id, found.field) == ("p-0", "probability")
    assert 0 < found.apart < 1e-15


@pytest.mark.parametrize(
    ("field", "value"),
    [("threshold", 0.31), ("churn_prediction", None), ("risk_level", "NONE"), ("segment", "nobody"),
     ("expected_loss", 1.0), ("expected_profit", None), ("priority_score", 0.25)],
)  # fmt: skip
def test_every_other_field_is_compared_too(
    scorer: Scorer, recorded: list[Prediction], field: str, value: object
) -> None:
    edited = replace(recorded[0], **{field: value})  # type: ignore[arg-type]

    (found,) = replayed(scorer, [edited, *recorded[1:]])

    assert (found.prediction_id, found.field, found.recorded) == ("p-0", field, value)
    assert found.apart == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [({"tenure": "12"}, "another kind of value in tenure"), ({"tenure": True}, "another kind of value in tenure"),
     ({"Contract": 1}, "another kind of value in Contract"), ({"more": 1}, "other columns .*: more")],
)  # fmt: skip
def test_inputs_that_no_door_records_are_unreadable_and_their_values_are_not_told(
    scorer: Scorer, recorded: list[Prediction], change: dict[str, object], words: str
) -> None:
    (found,) = replayed(scorer, [replace(recorded[0], inputs={**recorded[0].inputs, **change}), *recorded[1:]])

    assert found == Difference("p-0", "inputs", None, found.found)
    assert isinstance(found.found, str)
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(found.found)


def test_an_input_beyond_every_float32_is_a_difference_and_no_crash(scorer: Scorer, recorded: list[Prediction]) -> None:
    edited = replace(recorded[0], inputs={**recorded[0].inputs, "tenure": 1e300})

    assert {each.prediction_id for each in replayed(scorer, [edited, *recorded[1:]])} == {"p-0"}


def test_money_that_a_table_rounds_to_another_cent_is_found_again_either_way(scorer: Scorer) -> None:
    alone = recorded_alone(scorer, random_columns(scorer.contract, 200, seed=9))
    priced = [
        replace(each, inputs={**each.inputs, "MonthlyCharges": 20_000 + number / 1000})
        for number, each in enumerate(alone)
    ]
    answers = answered(scorer, priced)
    in_table = answered_in_a_table(scorer, answers)

    assert sum(one.expected_loss != other.expected_loss for one, other in zip(answers, in_table, strict=True)) > 0
    assert replayed(scorer, answers) == []
    assert replayed(scorer, in_table) == []


def answered(scorer: Scorer, predictions: Sequence[Prediction]) -> list[Prediction]:
    """Answer recorded inputs as rows that came alone."""
    found = []
    for each in predictions:
        row = row_of(scorer.contract, each.inputs)
        probability, decision = scorer.score_one(row)
        standing = scorer.standings.of_row(row, probability)
        found.append(
            replace(
                each, probability=probability, churn_prediction=decision.churn_prediction,
                risk_level=decision.risk_level, segment=standing.segment, expected_loss=standing.expected_loss,
                expected_profit=standing.expected_profit, priority_score=standing.priority_score,
            )
        )  # fmt: skip
    return found


def answered_in_a_table(scorer: Scorer, predictions: Sequence[Prediction]) -> list[Prediction]:
    """Answer recorded inputs as rows of one table."""
    columns = columns_of(scorer.contract, predictions)
    standings = scorer.standings.of_columns(columns, scorer.score_columns(columns))
    return [
        replace(
            each, segment=standing.segment, expected_loss=standing.expected_loss,
            expected_profit=standing.expected_profit, priority_score=standing.priority_score,
        )
        for each, standing in zip(predictions, standings, strict=True)
    ]  # fmt: skip


def test_a_prediction_of_another_version_is_refused(scorer: Scorer, recorded: list[Prediction]) -> None:
    with pytest.raises(UsageError, match="prediction p-0 was made by version 4 of churn, and version 3 of churn"):
        replayed(scorer, [replace(recorded[0], model_version=4)])
