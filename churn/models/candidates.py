"""The table of candidates: adding one is one file and one line here."""

from churn.models import catboost, dummy, lightgbm_trees, logistic, random_forest, xgboost_trees
from churn.models.candidate import Candidate
from churn.models.stack import stack_of

SINGLE: dict[str, Candidate] = {
    "dummy": dummy.CANDIDATE,
    "logistic": logistic.CANDIDATE,
    "random_forest": random_forest.CANDIDATE,
    "xgboost": xgboost_trees.CANDIDATE,
    "lightgbm": lightgbm_trees.CANDIDATE,
    "catboost": catboost.CANDIDATE,
}
"""Models of one kind: what a stack can be made of."""

CANDIDATES: dict[str, Candidate] = {**SINGLE, "stack": stack_of(SINGLE)}
