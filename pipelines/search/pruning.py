"""Which trials are given up before their last fold."""

import numpy as np
import optuna
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial, TrialState

from pipelines.search.tickets import candidate_of

FIRST = 3
"""So many of a candidate's trials come to their end before one of it is given up."""

WORST_SHARE = 1 / 3


class WorstThirdPruner(BasePruner):
    """Gives a trial up when its mean so far is in the worst third of its own candidate's trials at that fold.

    Optuna's median is over the complete trials of all candidates: weaker candidates, which the comparison and the stack
    want as well, would never come to an end, and each trial that does raises the bar for the next.
    """

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Return whether to give the trial up at the fold that it reported last."""
        fold, name = trial.last_step, candidate_of(trial)
        if fold is None:
            return False
        finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        peers = [one for one in finished if candidate_of(one) == name and fold in one.intermediate_values]
        if sum(one.state is TrialState.COMPLETE for one in peers) < FIRST:
            return False
        bar = np.quantile([one.intermediate_values[fold] for one in peers], WORST_SHARE)
        return bool(trial.intermediate_values[fold] < bar)
