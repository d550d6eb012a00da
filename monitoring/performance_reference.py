"""The reference of performance: what a version reached on the customers that were held out of its training."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import nan

from churn.bundle.files import CONTRACT
from churn.contract.contract import Contract
from churn.contract.reading import load_contract
from churn.errors import StoreError
from churn.evaluation.intervals import Estimate
from churn.settings import Settings
from monitoring.production import find_production

log = logging.getLogger(__name__)

PREFIX = "holdout_"
ENDS = ("_low", "_high")
ROWS_TAG = "parity_rows"


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What is known of a version's held-out customers; empty when the registry did not answer, or nobody measured.

    Attributes:
        run_id: of the version's training.
    """

    run_id: str = ""
    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    rows: int = 0


def held_out(settings: Settings, version: int) -> HeldOut:
    """Ask the registry what a version reached before it was promoted."""
    from churn.stores.registry import ModelRegistry  # noqa: PLC0415  mlflow takes a second

    try:
        registry = ModelRegistry(settings.tracking_uri)
        found = registry.version(settings.model, version)
        metrics = registry.training(found.run_id).metrics
    except StoreError as error:
        log.warning("held-out figures not found", extra={"version": version, "why": str(error)})
        return HeldOut()
    rows = found.tags.get(ROWS_TAG, "")
    return HeldOut(found.run_id, estimates_in(metrics), int(rows) if rows.isdigit() else 0)


def estimates_in(metrics: Mapping[str, float]) -> dict[str, Estimate]:
    """Return the held-out measures among a run's metrics, each with its interval if it was logged."""
    named = {name.removeprefix(PREFIX): value for name, value in metrics.items() if name.startswith(PREFIX)}
    return {
        name: Estimate(value, *(named.get(name + end, nan) for end in ENDS))
        for name, value in named.items()
        if not name.endswith(ENDS) and name != "threshold"
    }


def contract_in_production(settings: Settings) -> Contract:
    """Return the contract of the version in production: it has the horizon and the economics.

    Raises:
        NotFoundError: nothing is in production.
        StoreError: the registry did not answer, and no bundle is on disk.
    """
    return load_contract(find_production(settings).bundle / CONTRACT)
