"""The scorer: framework-free, and the same behind every door, batch job and stream."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from churn.bundle.files import DecisionPolicy
from churn.bundle.session import GraphSession
from churn.contract.contract import Contract
from churn.contract.request import RequestForm
from churn.errors import BundleError
from churn.retention.months import MonthsModel
from churn.retention.offers import OfferBook
from churn.retention.priority import PriorityScale
from churn.retention.worth import worth_of
from churn.scoring.explanation import Explainer, Explanation
from churn.scoring.standing import Standings
from churn.segments.assignment import SegmentBook

RiskLevel = Literal["LOW", "MEDIUM", "HIGH"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a probability means under the version's policy."""

    churn_prediction: int
    risk_level: RiskLevel


@dataclass(frozen=True, slots=True)
class Extras:
    """What a version has beside its graph; a bundle of format 1 has none of it.

    Attributes:
        explainer: gives reasons.
        segments: knows a customer's segment.
        months: knows how long a customer is expected to stay, when worth is counted so.
        priority: ranks a customer among those that the model was made from.
    """

    explainer: Explainer | None = None
    segments: SegmentBook | None = None
    months: MonthsModel | None = None
    priority: PriorityScale | None = None


NO_EXTRAS = Extras()


class Scorer:
    """One version of one model, ready to answer. Immutable: a new version is a new scorer.

    Attributes:
        name: registered model name.
        version: registered version number.
        digest: sha256 of the bundle's manifest.
        contract: what a row has to be.
        threshold: probability from which a customer counts as leaving.
        high_risk_from: probability from which the risk level is HIGH.
        form: reads customers sent as JSON.
        standings: knows a customer's segment, what is at stake and whom to call first.
        offers: advises what to offer a customer.
        currency: of all amounts; None when the contract has no economics.
        explainer: None when the version has no explanations.
    """

    def __init__(
        self,
        *,
        identity: tuple[str, int, str],
        contract: Contract,
        policy: DecisionPolicy,
        graph: GraphSession,
        extras: Extras = NO_EXTRAS,
    ) -> None:
        self.name, self.version, self.digest = identity
        self.contract = contract
        self.threshold = policy.threshold
        self.high_risk_from = max(policy.high_risk_from, policy.threshold)
        self.form = RequestForm(contract)
        self.score_row = graph.score_row
        self.score_rows = graph.score_rows
        self.score_columns = graph.score
        worth = worth_of(contract.economics, extras.months)
        self.standings = Standings(contract, extras.segments, worth, extras.priority)
        self.offers = OfferBook(contract, worth, threshold=policy.threshold)
        self.currency = contract.economics.currency if contract.economics else None
        self.explainer = extras.explainer

    def decide(self, probability: float) -> Decision:
        """Turn one probability into a decision."""
        if probability >= self.high_risk_from:
            return Decision(1, "HIGH")
        if probability >= self.threshold:
            return Decision(1, "MEDIUM")
        return Decision(0, "LOW")

    def decide_all(self, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Turn probabilities of shape (rows,) into predictions (int8) and risk levels (str objects)."""
        levels = np.full(len(probabilities), "LOW", dtype=object)
        levels[probabilities >= self.threshold] = "MEDIUM"
        levels[probabilities >= self.high_risk_from] = "HIGH"
        return (probabilities >= self.threshold).astype(np.int8), levels

    def score_one(self, row: Mapping[str, float | str]) -> tuple[float, Decision]:
        """Score one graph-ready row and decide."""
        probability = self.score_row(row)
        return probability, self.decide(probability)

    @property
    def explanation_note(self) -> str | None:
        """Say why there are no explanations; None when there are."""
        if self.explainer is not None:
            return None
        return f"version {self.version} of {self.name} has no explanations: train and promote a new one to have them"

    def explain_row(self, row: Mapping[str, float | str]) -> Explanation:
        """Explain one graph-ready row.

        Raises:
            BundleError: the version has no explanations.
        """
        return self._require_explainer().explain_row(row)

    def explain_rows(self, rows: Sequence[Mapping[str, float | str]]) -> list[Explanation]:
        """Explain several graph-ready rows in one run.

        Raises:
            BundleError: the version has no explanations.
        """
        return self._require_explainer().explain_rows(rows)

    def explain_columns(self, columns: Mapping[str, np.ndarray]) -> Iterator[Explanation]:
        """Explain graph-ready columns, row by row.

        Raises:
            BundleError: the version has no explanations.
        """
        return self._require_explainer().explain_columns(columns)

    def _require_explainer(self) -> Explainer:
        if self.explainer is None:
            raise BundleError(self.explanation_note)
        return self.explainer
