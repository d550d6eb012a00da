"""Train: audit, search the candidates, choose one, and log it as a bundle that is proven equal to its pipeline.

Reads:  a customer table and its contract.
Writes: an MLflow run with the audit, nested trials, metrics with intervals, money, reasons, segments, pictures, the
        model card, and the logged model with its bundle.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from churn.bundle.files import DecisionPolicy
from churn.bundle.making import Ingredients
from churn.contract.contract import Contract
from churn.evaluation.audit import Audit
from churn.evaluation.campaign import Campaign
from churn.evaluation.fairness import Decided, group_reports
from churn.evaluation.intervals import Estimate
from churn.evaluation.slices import slices
from churn.retention.survival_report import as_markdown as survival_markdown
from churn.retention.survival_study import SurvivalStudy
from churn.segments.assignment import SegmentBook
from churn.segments.report import as_summary
from pipelines.audit import audit_customers
from pipelines.development import Developed, Development
from pipelines.findings import find_campaign, find_drivers, find_segments_of, find_staying, with_values
from pipelines.ingest import Ingested
from pipelines.model_card import CardFacts, write_card
from pipelines.nested import nested_scores
from pipelines.search import storage_of
from pipelines.seen import log_seen
from pipelines.settings import PipelineSettings
from pipelines.tracking import Say, training_run
from pipelines.training import Division, Training, TrainParameters, split
from pipelines.training_log import (
    log_audit,
    log_cross_validation,
    log_development,
    log_holdout,
    log_inputs,
    log_model,
    log_nested,
)

log = logging.getLogger(__name__)

CALIBRATED = {
    "none": "Probabilities are the model's own: on customers that it had not seen, no correction made them truer.",
    "temperature": "Probabilities were made less extreme, or more, by one factor (temperature scaling).",
    "sigmoid": "Probabilities were corrected by a factor and a shift (Platt scaling).",
    "isotonic": "Probabilities were corrected by a rising curve (isotonic calibration).",
}


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training left in MLflow.

    Attributes:
        why: why this candidate was chosen.
        digest: of the bundle.
        estimates: every measure on the pooled out-of-fold scores, with its interval.
        parity: largest difference between graph and pipeline, in probability.
    """

    run_id: str
    candidate: str
    why: str
    digest: str
    estimates: dict[str, Estimate]
    parity: float


def train(
    ingested: Ingested,
    contract: Contract,
    parameters: TrainParameters,
    *,
    settings: PipelineSettings,
    say: Say,
    division: Division | None = None,
) -> Trained:
    """Train on one ingested table and log everything under one run; a division says which rows are for what.

    Raises:
        LeakageError: a column knows the outcome, or rows are on both sides of a fold; the audit is in the run.
    """
    training = split(ingested, contract, parameters, settings=settings, division=division)
    with training_run(settings, name=f"train-{contract.name}") as run:
        log_inputs(training)
        say("audit: does a column know the outcome?")
        log_audit(_audit(training)).require_passed()
        staying = find_staying(training)
        training = with_values(training, staying)
        developed = _develop(training, say)
        log_development(developed)
        policy = _policy(training, developed)
        log_cross_validation(training, developed.best, policy.threshold)
        if parameters.nested_folds:
            say("nested evaluation: everything once more inside each outer fold")
            nested = nested_scores(training.train, contract, parameters, say=say)
            log_nested(nested, training, policy.threshold)
        made_of = _gather(training, developed, staying, (policy, say))
        say("writing the graphs and proving that they equal the pipeline")
        digest, parity = log_model(made_of)
        log_holdout(training, developed.best.fitted)
        log_seen(training.train)
    best = developed.best
    trained = Trained(run.info.run_id, best.candidate.name, developed.choice.reason, digest, best.estimates, parity)
    log.info("model trained", extra={"run": trained.run_id, "candidate": trained.candidate, "digest": digest})
    return trained


def _audit(training: Training) -> Audit:
    parameters = training.parameters
    return audit_customers(training.train, training.contract, folds=parameters.search_folds, seed=parameters.seed)


def _develop(training: Training, say: Say) -> Developed:
    training.settings.home.mkdir(parents=True, exist_ok=True)
    return Development(
        customers=training.train,
        contract=training.contract,
        parameters=training.parameters,
        study=training.study,
        storage=storage_of(training.settings.optuna_url),
        say=say,
    ).run()


def _policy(training: Training, developed: Developed) -> DecisionPolicy:
    threshold = developed.best.threshold
    return DecisionPolicy(threshold=threshold, high_risk_from=max(training.contract.policy.high_risk_from, threshold))


def _gather(
    training: Training, developed: Developed, staying: SurvivalStudy | None, how: tuple[DecisionPolicy, Say]
) -> Ingredients:
    """Collect what goes into the bundle."""
    policy, say = how
    say("money, reasons, segments")
    campaign = find_campaign(training, developed.best)
    drivers = find_drivers(training, developed.best)
    book = find_segments_of(training)
    card = write_card(_card_facts(training, developed, policy, (campaign, drivers, book, staying)))
    return Ingredients(
        contract=training.contract,
        candidate=developed.best.candidate.name,
        fitted=developed.best.fitted,
        policy=policy,
        evaluation=training.holdout.columns,
        reference=training.reference.columns,
        training_data_sha256=training.train.sha256,
        card=card,
        segments=book,
        months=staying.model if staying else None,
    )


def _card_facts(
    training: Training,
    developed: Developed,
    policy: DecisionPolicy,
    parts: tuple[Campaign | None, Mapping[str, float] | None, SegmentBook | None, SurvivalStudy | None],
) -> CardFacts:
    campaign, drivers, book, staying = parts
    best, contract = developed.best, training.contract
    scored = training.train.only(best.is_scored)
    scores = best.fitted.out_of_fold_[best.is_scored]
    return CardFacts(
        contract=contract,
        kind=best.candidate.words,
        why=developed.choice.reason,
        policy=policy,
        threshold_words=best.threshold_words,
        estimates=best.estimates,
        customers=len(scored.labels),
        base_rate=float(training.train.labels.mean()),
        made=_made(training, developed),
        money=campaign.as_markdown() if campaign else "",
        drivers=drivers,
        slices=slices(contract, scored.columns, scored.labels, scores),
        fairness=group_reports(
            contract, Decided(scored.columns, scored.labels, scores, policy.threshold, scored.values)
        ),
        segments=as_summary(book) if book else "",
        survival=survival_markdown(staying) if staying else "",
    )


def _made(training: Training, developed: Developed) -> list[str]:
    parameters, quality = training.parameters, training.ingested.quality
    tried = sum(one.trials for one in developed.searched)
    names = ", ".join(one.candidate.name for one in developed.searched)
    return [
        f"{quality.accepted:,} customers of the table were used, {quality.rejected:,} were set aside with the reasons; "
        f"{len(training.holdout.labels):,} of them were held out, and training has not seen them.",
        f"{tried} sets of parameters of {names} were tried. Choosing the best of many makes its own score a little "
        "too good; the held-out customers, and `nested_folds`, measure without that.",
        CALIBRATED[developed.best.fitted.calibrator_.name],
        "The audit for leakage passed: no column knows the outcome, and training on shuffled outcomes found nothing.",
        f"Seed {parameters.seed}; data {training.train.sha256[:12]}.",
    ]
