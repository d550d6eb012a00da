"""What the labels and features of a real event log are worth: a model of them beats recency alone."""

from pathlib import Path

import numpy as np
import pytest

from churn.contract.contract import Contract
from churn.contract.proxy import Inactivity
from churn.contract.reading import load_contract
from churn.contract.table import check_table, check_target
from churn.evaluation.comparison import compare
from churn.evaluation.folds import Fold, make_folds
from churn.features.frame import raw_frame
from churn.labels.labelling import label_events
from churn.models.candidate import Recipe
from churn.models.candidates import CANDIDATES

CONTRACT = Path(__file__).parent.parent.parent.parent / "contracts" / "cdnow.yaml"


@pytest.mark.slow
def test_a_model_of_all_features_ranks_better_than_recency_alone(cdnow_file: Path) -> None:
    contract = load_contract(CONTRACT)
    assert isinstance(contract.target.proxy, Inactivity)
    table = label_events(cdnow_file, contract, contract.target.proxy, most_set_aside=0, seed=0).table
    raw = {name: table[name].tolist() for name in table}
    checked, (labels, _) = check_table(contract, raw), check_target(contract, raw)
    assert not checked.rejected
    folds = make_folds(labels, folds=5, groups=table["customer"].to_numpy(), seed=1)[0]
    recency = checked.columns["recency_days"].astype(np.float64)
    alone = contract.model_copy(update={"columns": {"recency_days": contract.columns["recency_days"]}})

    scores = out_of_fold(contract, checked.columns, labels, folds)
    of_recency = out_of_fold(alone, checked.columns, labels, folds)

    for rival in (recency, of_recency):
        found = compare(labels, scores, rival)
        assert found.is_better
        assert found.low > 0.005


def out_of_fold(
    contract: Contract, columns: dict[str, np.ndarray], labels: np.ndarray, folds: list[Fold]
) -> np.ndarray:
    candidate, frame = CANDIDATES["catboost"], raw_frame(columns)[list(contract.columns)]
    scores = np.full(len(labels), np.nan)
    for trained, tested in folds:
        model = candidate.build(Recipe(contract, candidate.defaults, seed=1))
        model.fit(frame.iloc[trained], labels[trained])
        scores[tested] = model.predict_proba(frame.iloc[tested])[:, 1]
    return scores
