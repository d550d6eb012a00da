"""The audit of a training: does any column know the outcome, are rows on both sides of a fold, does chance score?"""

import numpy as np
import pandas as pd

from churn.contract.contract import Contract
from churn.evaluation.audit import Audit, Audited
from churn.evaluation.folds import make_folds
from churn.evaluation.leakage import audit
from churn.evaluation.row_leaks import Control
from churn.models.candidate import Recipe
from churn.models.candidates import CANDIDATES
from pipelines.ingest import Customers

CONTROL = "logistic"
"""The candidate that is trained on shuffled outcomes: the quickest, with every step that learns from the outcome."""


def audit_customers(customers: Customers, contract: Contract, *, folds: int, seed: int) -> Audit:
    """Audit customers and the folds that they are cut into."""
    splits = make_folds(customers.labels, folds=folds, seed=seed, groups=customers.groups, times=customers.times)[0]
    audited = Audited(
        customers.columns,
        customers.labels,
        ids=customers.ids if contract.customer_id else None,
        groups=customers.groups,
    )
    return audit(contract, audited, splits, control=control_of(contract, seed))


def control_of(contract: Contract, seed: int) -> Control:
    """Return the training whose scores have to be chance when the outcomes are shuffled."""
    candidate = CANDIDATES[CONTROL]

    def score(train: pd.DataFrame, labels: np.ndarray, test: pd.DataFrame) -> np.ndarray:
        pipeline = candidate.build(Recipe(contract, candidate.defaults, seed))
        return np.asarray(pipeline.fit(train, labels).predict_proba(test)[:, 1])

    return score
