"""Which trials are given up before their last fold."""

import numpy as np
import optuna
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial, TrialState

from pipelines.search.tickets import candidate_of

FIRST = 3
"""So many of a candidate's trials come to their end before one of it is given up."""


class OwnMedianPruner(BasePruner):
    """Gives a trial up when its mean so far is below the median that its own candidate's trials had at that fold.

    Optuna's median is over all trials: candidates that begin later, or are weaker and yet wanted for the comparison
    and the stack, would never come to an end.
    """

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Return whether to give the trial up at the fold that it reported last."""
        fold, name = trial.last_step, candidate_of(trial)
        if fold is None:
            return False
        finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        peers = [
            one.intermediate_values[fold]
            for one in finished
            if candidate_of(one) == name and fold in one.intermediate_values
        ]
        return len(peers) >= FIRST and bool(trial.intermediate_values[fold] < np.median(peers))
