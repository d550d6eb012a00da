"""Train: search the candidates, calibrate the best, and log it as a bundle that is proven equal to its pipeline.

Reads:  a customer table and its contract.
Writes: an MLflow run with nested trials, metrics, pictures, the data's digest, and the logged model with its bundle.
"""

import logging
from dataclasses import dataclass

from churn.bundle.files import DecisionPolicy
from churn.bundle.making import Ingredients
from churn.contract.contract import Contract
from churn.contract.policy import RECALL_WITHOUT_ECONOMICS
from churn.evaluation.folds import make_folds
from churn.evaluation.metrics import MEASURES, decision_metrics, interval, measure, threshold_for_recall
from churn.features.frame import raw_frame
from churn.models.calibration import CalibratedPipeline
from churn.models.candidate import Recipe
from churn.models.candidates import CANDIDATES
from pipelines.ingest import Ingested
from pipelines.model_card import write_card
from pipelines.search import Search, Searched, storage_of
from pipelines.settings import PipelineSettings
from pipelines.tracking import Say, training_run
from pipelines.training import Training, TrainParameters, split
from pipelines.training_log import log_cross_validation, log_holdout, log_inputs, log_model, log_search

log = logging.getLogger(__name__)

WITH_INTERVAL = ("roc_auc", "pr_auc", "brier")


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training left in MLflow.

    Attributes:
        digest: of the bundle.
        cross_validated: every measure on the pooled out-of-fold scores, with `…_low` and `…_high` for some.
        parity: largest difference between graph and pipeline, in probability.
    """

    run_id: str
    candidate: str
    digest: str
    cross_validated: dict[str, float]
    parity: float


def train(
    ingested: Ingested, contract: Contract, parameters: TrainParameters, *, settings: PipelineSettings, say: Say
) -> Trained:
    """Train on one ingested table and log everything under one run."""
    training = split(ingested, contract, parameters, settings)
    with training_run(settings, name=f"train-{contract.name}") as run:
        log_inputs(training)
        searched = _search(training, say)
        best = max(searched, key=lambda one: one.roc_auc)
        log_search(searched, best)
        say(f"calibrating {best.candidate.name}, {parameters.folds} folds")
        fitted = _fit(best, training)
        policy = _policy(training, fitted)
        metrics = _cross_validated(training, fitted, policy)
        log_cross_validation(training, fitted, metrics, policy.threshold)
        say("writing the graph and proving that it equals the pipeline")
        digest, parity = log_model(_ingredients(training, best, fitted, (policy, metrics)))
        log_holdout(training, fitted)
    trained = Trained(run.info.run_id, best.candidate.name, digest, metrics, parity)
    log.info("model trained", extra={"run": trained.run_id, "candidate": trained.candidate, **metrics})
    return trained


def _search(training: Training, say: Say) -> list[Searched]:
    parameters = training.parameters
    training.settings.home.mkdir(parents=True, exist_ok=True)
    storage = storage_of(training.settings.optuna_url)
    customers = training.train
    splits = make_folds(
        customers.labels,
        folds=parameters.search_folds,
        seed=parameters.seed,
        groups=customers.groups,
        times=customers.times,
    )[0]
    return Search(
        name=training.study,
        storage=storage,
        contract=training.contract,
        candidates={
            name: CANDIDATES[name]
            for name in parameters.candidates
            if name in CANDIDATES and name not in {"stack", "dummy"}
        },
        trials=parameters.trials,
        seed=parameters.seed,
        timeout_minutes=parameters.timeout_minutes,
        workers=parameters.workers,
    ).run(raw_frame(customers.columns), customers.labels, splits, say)


def _fit(best: Searched, training: Training) -> CalibratedPipeline:
    parameters = training.parameters
    pipeline = best.candidate.build(Recipe(training.contract, best.parameters, parameters.seed))
    calibrated = CalibratedPipeline(pipeline, folds=parameters.folds, seed=parameters.seed)
    return calibrated.fit(raw_frame(training.train.columns), training.train.labels)


def _policy(training: Training, fitted: CalibratedPipeline) -> DecisionPolicy:
    wanted = training.contract.policy
    threshold = threshold_for_recall(
        training.train.labels, fitted.out_of_fold_, wanted.recall_at_least or RECALL_WITHOUT_ECONOMICS
    )
    return DecisionPolicy(threshold=threshold, high_risk_from=max(wanted.high_risk_from, threshold))


def _cross_validated(training: Training, fitted: CalibratedPipeline, policy: DecisionPolicy) -> dict[str, float]:
    labels, scores = training.train.labels, fitted.out_of_fold_
    found = {**measure(labels, scores), **decision_metrics(labels, scores, policy.threshold)}
    for name in WITH_INTERVAL:
        found[f"{name}_low"], found[f"{name}_high"] = interval(MEASURES[name], labels, scores)
    return found


def _ingredients(
    training: Training, best: Searched, fitted: CalibratedPipeline, found: tuple[DecisionPolicy, dict[str, float]]
) -> Ingredients:
    policy, metrics = found
    name, rows = best.candidate.name, len(training.train.labels)
    return Ingredients(
        contract=training.contract,
        candidate=name,
        fitted=fitted,
        policy=policy,
        evaluation=training.holdout.columns,
        reference=training.train.columns,
        training_data_sha256=training.train.sha256,
        card=write_card(training.contract, name, policy, metrics=metrics, rows=rows),
    )
