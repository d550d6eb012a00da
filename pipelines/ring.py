"""The offline half of the ring in one go: ingest, train, evaluate, register, promote.

Reads:  a customer table and its contract.
Writes: what each stage writes; the newest version is in production at the end, if the gate agrees.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from churn.contract.contract import Contract
from churn.evaluation.gate import Gate
from churn.stores.registry import RegisteredBundle
from pipelines.customers import Source, choose_customers
from pipelines.evaluate import Evaluated, evaluate
from pipelines.ingest import Ingested, ingest
from pipelines.moves import Order
from pipelines.parameters import read_parameters
from pipelines.promote import Promoted, promote
from pipelines.register import register
from pipelines.settings import PipelineSettings
from pipelines.tracking import Say, open_tracking
from pipelines.train import Trained, train
from pipelines.training import Division, TrainParameters


@dataclass(frozen=True, slots=True)
class Round:
    """What each stage left."""

    source: Source
    ingested: Ingested
    trained: Trained
    evaluated: Evaluated
    registered: RegisteredBundle
    promoted: Promoted


@dataclass(frozen=True, slots=True)
class Made:
    """What the stages before a promotion left."""

    source: Source
    ingested: Ingested
    trained: Trained
    evaluated: Evaluated
    registered: RegisteredBundle


def go_round(
    contract: Contract, data: str | None, *, overrides: Mapping[str, object], settings: PipelineSettings, say: Say
) -> Round:
    """Run every stage with its own parameters; `overrides` are those of train that are not None."""
    made = make_version(contract, data, overrides=overrides, settings=settings, say=say)
    say(f"promote: version {made.registered.version}")
    order = Order(settings.actor, "end of the ring")
    promoted = promote(made.registered.version, order, read_parameters("gate", Gate), settings=settings)
    return Round(made.source, made.ingested, made.trained, made.evaluated, made.registered, promoted)


def make_version(
    contract: Contract,
    data: str | None,
    *,
    overrides: Mapping[str, object],
    settings: PipelineSettings,
    say: Say,
    division: Division | None = None,
) -> Made:
    """Run every stage but the promotion: a new version, and production as it was."""
    source = choose_customers(data, settings=settings)
    say(f"ingest: {source.words}")
    ingested = ingest(source.path, contract, settings)
    open_tracking(settings)
    say(f"train: {ingested.quality.accepted:,} customers, {ingested.quality.rejected:,} set aside")
    parameters = read_parameters("train", TrainParameters, **overrides)
    trained = train(ingested, contract, parameters, settings=settings, say=say, division=division)
    say("evaluate: the held-out customers, with the bundle itself")
    evaluated = evaluate(trained.run_id, settings=settings)
    say("register")
    return Made(source, ingested, trained, evaluated, register(trained.run_id, settings=settings))


def facts_of(made: Made) -> dict[str, object]:
    """Return what was made as JSON values."""
    return {
        "version": made.registered.version,
        "run_id": made.trained.run_id,
        "candidate": made.trained.candidate,
        "customers": made.ingested.quality.accepted,
        "set_aside": made.ingested.quality.rejected,
        "roc_auc": made.evaluated.metrics["roc_auc"],
    }
