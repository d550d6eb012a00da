"""The table of candidates: adding one is one file and one line here."""

from churn.models import catboost, logistic
from churn.models.candidate import Candidate

CANDIDATES: dict[str, Candidate] = {
    "logistic": logistic.CANDIDATE,
    "catboost": catboost.CANDIDATE,
}
