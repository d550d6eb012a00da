"""What is proposed next: tree-structured Parzen estimators over all candidates, and names that don't clash.

Method: multivariate TPE, one group per candidate (Falkner, Klein and Hutter, "BOHB", 2018; Optuna's `group`).
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from churn.models.candidate import Trial

RANDOM_TRIALS = 10
"""Finished trials before TPE begins; each candidate's defaults are among them."""


@contextmanager
def quiet() -> Iterator[None]:
    """Let Optuna's warnings pass: grouped TPE and the retry of dead trials have been "experimental" for years."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        warnings.simplefilter("ignore", FutureWarning)  # what Optuna 6 renames, inside Optuna itself
        warnings.simplefilter("ignore", DeprecationWarning)  # alembic's, inside Optuna
        yield


@dataclass(frozen=True, slots=True)
class OwnNames:
    """A trial as one candidate sees it: the study knows its parameters as `<candidate>.<name>`."""

    trial: Any
    candidate: str

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Propose a number."""
        return float(self.trial.suggest_float(f"{self.candidate}.{name}", low, high, log=log))

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """Propose a whole number."""
        return int(self.trial.suggest_int(f"{self.candidate}.{name}", low, high, log=log))

    def suggest_categorical(self, name: str, choices: Sequence[str]) -> str:
        """Propose one of some words."""
        return str(self.trial.suggest_categorical(f"{self.candidate}.{name}", choices))


def own_names(trial: Any, candidate: str) -> Trial:
    """Return the trial as one candidate sees it."""
    return OwnNames(trial, candidate)


class TrialSeededSampler(BaseSampler):
    """TPE that is seeded by each trial's number.

    A search that goes on proposes what it would have proposed without the break, and two processes never propose the
    same because they began with the same seed.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._tpe = self._seeded(0)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Begin a trial with a seed of its own."""
        self._tpe = self._seeded(trial.number)
        self._tpe.before_trial(study, trial)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the parameters that are proposed together."""
        space: dict[str, BaseDistribution] = self._tpe.infer_relative_search_space(study, trial)
        return space

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Propose them."""
        found: dict[str, Any] = self._tpe.sample_relative(study, trial, search_space)
        return found

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Propose a parameter that is seen for the first time."""
        return self._tpe.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Let TPE finish."""
        self._tpe.after_trial(study, trial, state, values)

    def _seeded(self, number: int) -> TPESampler:
        seed = int(np.random.SeedSequence([self._seed, number]).generate_state(1)[0])
        with quiet():
            return TPESampler(seed=seed, group=True, multivariate=True, n_startup_trials=RANDOM_TRIALS)
