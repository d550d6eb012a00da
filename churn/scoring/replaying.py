"""Replaying: recorded predictions computed again from their recorded inputs, by the version that made them.

A probability does not depend on the rows that it is scored with, so what was answered alone is found again among
thousands. What is told of a customer's money is computed in two ways, one for a row and one for a table, and may be a
cent apart: a record holds when either of them gives it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from churn.contract.contract import Contract
from churn.contract.request import MISSING_NUMBER, MISSING_TEXT, Row
from churn.contract.table import Columns
from churn.errors import UsageError
from churn.scoring.prediction import Prediction
from churn.scoring.scorer import Scorer
from churn.scoring.standing import FIELDS as PLACE

LAST_BITS = 1e-6
"""Another kind of processor may round float32 sums differently, by about 1e-7; more is another model or input."""

INPUTS, PROBABILITY = "inputs", "probability"
Kinds = Mapping[str, frozenset[type]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one prediction that did not come out as it was recorded.

    Attributes:
        field: of the record; `inputs` when they can't be read any more.
        recorded: its value; None for inputs, which are a customer's own.
        found: its value now; for inputs what is wrong with them.
    """

    prediction_id: str
    field: str
    recorded: object
    found: object

    @property
    def apart(self) -> float:
        """How far a probability is from the recorded one; 0 for other fields."""
        if self.field != PROBABILITY:
            return 0.0
        return abs(float(self.found) - float(self.recorded))  # type: ignore[arg-type]


def replayed(scorer: Scorer, predictions: Sequence[Prediction]) -> list[Difference]:
    """Compute predictions again and return every field that is not what was recorded, bit for bit; best: none.

    Args:
        scorer: the version that made them.
        predictions: as they are recorded, of any door, role and format, and in any number.

    Raises:
        UsageError: one of them was made by another version.
    """
    _require_own(scorer, predictions)
    kinds = _kinds_of(scorer.contract)
    problems = [_problem_of(each, kinds) for each in predictions]
    readable = [each for each, problem in zip(predictions, problems, strict=True) if not problem]
    unreadable = [
        Difference(each.prediction_id, INPUTS, None, problem)
        for each, problem in zip(predictions, problems, strict=True)
        if problem
    ]
    return [*unreadable, *(_differences(scorer, readable) if readable else ())]


def row_of(contract: Contract, inputs: Mapping[str, object]) -> Row:
    """Return recorded inputs as the row that was scored alone."""
    return {
        name: (MISSING_NUMBER if column.is_numeric else MISSING_TEXT) if inputs[name] is None
        else float(inputs[name]) if column.is_numeric else str(inputs[name])  # type: ignore[arg-type]
        for name, column in contract.columns.items()
    }  # fmt: skip


def columns_of(contract: Contract, predictions: Sequence[Prediction]) -> Columns:
    """Return recorded inputs as graph-ready columns."""
    return {
        name: _numbers([each.inputs[name] for each in predictions])
        if column.is_numeric
        else np.array([each.inputs[name] or MISSING_TEXT for each in predictions], object)
        for name, column in contract.columns.items()
    }


def _numbers(cells: Sequence[object]) -> np.ndarray:
    with np.errstate(over="ignore"):  # an edited input may be larger than any float32
        return np.array([MISSING_NUMBER if cell is None else cell for cell in cells], np.float32)


def _require_own(scorer: Scorer, predictions: Sequence[Prediction]) -> None:
    for each in predictions:
        if (each.model_name, each.model_version) != (scorer.name, scorer.version):
            raise UsageError(
                f"prediction {each.prediction_id} was made by version {each.model_version} of {each.model_name}, and "
                f"version {scorer.version} of {scorer.name} was asked to replay it: load the version that is recorded"
            )


def _kinds_of(contract: Contract) -> Kinds:
    nothing: type = type(None)
    numbers: frozenset[type] = frozenset({int, float, nothing})
    texts: frozenset[type] = frozenset({str, nothing})
    return {name: numbers if column.is_numeric else texts for name, column in contract.columns.items()}


def _problem_of(prediction: Prediction, kinds: Kinds) -> str:
    """Say why inputs can't be read; names columns, never values."""
    inputs = prediction.inputs
    if inputs.keys() != kinds.keys():
        return f"other columns than the version's contract: {', '.join(sorted(inputs.keys() ^ kinds.keys()))}"
    odd = [name for name, kind in kinds.items() if type(inputs[name]) not in kind]
    return f"another kind of value in {', '.join(odd)}" if odd else ""


def _differences(scorer: Scorer, predictions: Sequence[Prediction]) -> Iterator[Difference]:
    columns = columns_of(scorer.contract, predictions)
    of_table = _answers(scorer, columns)
    names = tuple(of_table)
    for each, values in zip(predictions, zip(*of_table.values(), strict=True), strict=True):
        found = dict(zip(names, values, strict=True))
        wrong = _wrong(each, found)
        if PROBABILITY not in wrong and not wrong.isdisjoint(PLACE):
            alone = found | _place_alone(scorer, each, found)
            found, wrong = min((found, wrong), (alone, _wrong(each, alone)), key=lambda answer: len(answer[1]))
        for name in names:
            if name in wrong:
                yield Difference(each.prediction_id, name, getattr(each, name), found[name])


def _answers(scorer: Scorer, columns: Columns) -> dict[str, Sequence[object]]:
    """Return what is answered for a table: for each recorded field one value per row."""
    probabilities = scorer.score_columns(columns)
    decisions, levels = scorer.decide_all(probabilities)
    return {
        PROBABILITY: probabilities.tolist(),
        "threshold": [scorer.threshold] * len(probabilities),
        "churn_prediction": decisions.tolist(),
        "risk_level": levels.tolist(),
        **scorer.standings.lists_of(columns, probabilities),
    }


def _place_alone(scorer: Scorer, prediction: Prediction, found: Mapping[str, object]) -> dict[str, object]:
    """Return the customer's place as an answer to one row tells it."""
    row = row_of(scorer.contract, prediction.inputs)
    standing = scorer.standings.of_row(row, float(found[PROBABILITY]))  # type: ignore[arg-type]
    return {name: getattr(standing, name) for name in PLACE}


def _wrong(prediction: Prediction, found: Mapping[str, object]) -> frozenset[str]:
    return frozenset(name for name, value in found.items() if getattr(prediction, name) != value)
