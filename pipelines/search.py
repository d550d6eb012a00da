"""The search of one candidate's parameters: an Optuna study that resumes, each trial a nested MLflow run."""

import warnings
from dataclasses import dataclass

import mlflow
import numpy as np
import optuna
import pandas as pd
from optuna.trial import FrozenTrial, Trial, TrialState
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from churn.contract.contract import Contract
from churn.models.candidate import Candidate, Parameters, Recipe
from pipelines.tracking import Say


@dataclass(frozen=True, slots=True)
class Searched:
    """The best parameters found for one candidate, with the cross-validated ROC-AUC that they reached."""

    candidate: Candidate
    parameters: Parameters
    roc_auc: float
    trials: int


@dataclass(frozen=True, slots=True)
class Search:
    """One study.

    Attributes:
        name: of the study; the same data, contract and seed find the same study again and go on with it.
        storage: SQLAlchemy address of the studies.
    """

    name: str
    storage: str
    contract: Contract
    candidate: Candidate
    trials: int
    folds: int
    seed: int

    def run(self, frame: pd.DataFrame, labels: np.ndarray, say: Say) -> Searched:
        """Run the trials that are still missing and return the best."""
        study = self._study()
        done = len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)))
        # A sampler with the old seed would propose the same again to a study that goes on.
        study.sampler = optuna.samplers.TPESampler(seed=self.seed + done)
        if not done:
            study.enqueue_trial(dict(self.candidate.defaults))
        if done:
            say(f"{self.candidate.name}: {done} of {self.trials} trials were there from an earlier run")
        for _ in range(done, self.trials):
            study.optimize(lambda trial: self._try(trial, frame, labels), n_trials=1)
            latest = study.trials[-1]
            _log_trial(self.candidate.name, latest)
            say(_progress(self.candidate.name, latest, study.best_value, self.trials))
        return Searched(self.candidate, study.best_params, study.best_value, len(study.trials))

    def _study(self) -> optuna.Study:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        return optuna.create_study(
            study_name=self.name,
            storage=self.storage,
            load_if_exists=True,
            direction="maximize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
        )

    def _try(self, trial: Trial, frame: pd.DataFrame, labels: np.ndarray) -> float:
        """Cross-validate one set of parameters; stop early when it falls behind the others."""
        parameters = self.candidate.suggest(trial)
        splitter = StratifiedKFold(self.folds, shuffle=True, random_state=self.seed)
        scores: list[float] = []
        for fold, (train, test) in enumerate(splitter.split(frame, labels)):
            pipeline = self.candidate.build(Recipe(self.contract, parameters, self.seed))
            pipeline.fit(frame.iloc[train], labels[train])
            scores.append(float(roc_auc_score(labels[test], pipeline.predict_proba(frame.iloc[test])[:, 1])))
            trial.report(float(np.mean(scores)), fold)
            if trial.should_prune():
                raise optuna.TrialPruned
        return float(np.mean(scores))


def _log_trial(name: str, trial: FrozenTrial) -> None:
    """Show one trial as a nested run."""
    with mlflow.start_run(nested=True, run_name=f"{name}-{trial.number}"):
        mlflow.log_params(trial.params)
        mlflow.set_tags({"candidate": name, "state": trial.state.name.lower()})
        for step, value in trial.intermediate_values.items():
            mlflow.log_metric("search_roc_auc", value, step=step)


def _progress(name: str, trial: FrozenTrial, best: float, trials: int) -> str:
    found = "pruned" if trial.state is TrialState.PRUNED else f"ROC-AUC {trial.value:.4f}"
    return f"{name}: trial {trial.number + 1}/{trials} {found} (best {best:.4f})"


def storage_of(url: str) -> str:
    """Return Optuna's storage address, with its database made; it never shares one with MLflow or the churn store."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # alembic's deprecations inside optuna
        optuna.storages.RDBStorage(url)
    return url
