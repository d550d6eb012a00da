"""One training: its table split into training and held-out customers, and what is to be done with them."""

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from pydantic import BaseModel, Field, field_validator

from churn.contract.contract import Contract
from churn.contract.reading import dump_contract
from churn.contract.table import Columns
from churn.models.candidates import CANDIDATES
from pipelines.ingest import Customers, Ingested
from pipelines.settings import PipelineSettings


class TrainParameters(BaseModel, frozen=True, extra="forbid"):
    """pipelines/parameters/train.yaml."""

    trials: int = Field(ge=1)
    candidates: tuple[str, ...] = Field(min_length=1)
    search_folds: int = Field(ge=2)
    calibration_folds: int = Field(ge=2)
    holdout_share: float = Field(gt=0, lt=0.9)
    seed: int = Field(ge=0)

    @field_validator("candidates")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := set(names) - set(CANDIDATES):
            raise ValueError(f"no candidate {', '.join(sorted(unknown))}; there are {', '.join(CANDIDATES)}")
        return names


@dataclass(frozen=True, slots=True)
class Training:
    """What one run trains on.

    Attributes:
        train: customers that the model sees.
        holdout: customers that it never sees; evaluate and promote use them.
    """

    contract: Contract
    parameters: TrainParameters
    settings: PipelineSettings
    ingested: Ingested
    train: Customers
    holdout: Customers

    @property
    def study(self) -> str:
        """A name that only the same data, contract, seed and folds give again: then a search resumes."""
        facts = (self.train.sha256, dump_contract(self.contract), self.parameters.seed, self.parameters.search_folds)
        return f"{self.settings.model}-{sha256(repr(facts).encode()).hexdigest()[:12]}"


def split(ingested: Ingested, contract: Contract, parameters: TrainParameters, settings: PipelineSettings) -> Training:
    """Split an ingested table and return the training."""
    customers = ingested.customers
    is_holdout = choose_holdout(customers, parameters.holdout_share)
    train, holdout = _only(customers, ~is_holdout), _only(customers, is_holdout)
    return Training(contract, parameters, settings, ingested, train=train, holdout=holdout)


def choose_holdout(customers: Customers, share: float) -> np.ndarray:
    """Choose the customers that training never sees: a mask of shape (rows,), the same share of leavers and stayers.

    Within each class the ids are ranked by their sha256, so the same customers are held out again when the table
    grows, and a version in production is not judged on rows that it was trained on.
    """
    ranks = np.array([sha256(str(one).encode()).hexdigest() for one in customers.ids])
    is_holdout = np.zeros(len(ranks), bool)
    for label in (0, 1):
        rows = np.flatnonzero(customers.labels == label)
        is_holdout[rows[np.argsort(ranks[rows])[: round(len(rows) * share)]]] = True
    return is_holdout


def _only(customers: Customers, chosen: np.ndarray) -> Customers:
    columns: Columns = {name: values[chosen] for name, values in customers.columns.items()}
    return Customers(columns, customers.labels[chosen], customers.ids[chosen], customers.sha256)
