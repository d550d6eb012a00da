"""The scorer: framework-free, and the same behind every door, batch job and stream."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from churn.bundle.files import DecisionPolicy
from churn.bundle.session import GraphSession
from churn.contract.contract import Contract
from churn.contract.request import RequestForm

RiskLevel = Literal["LOW", "MEDIUM", "HIGH"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a probability means under the version's policy."""

    churn_prediction: int
    risk_level: RiskLevel


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
    """

    def __init__(
        self, *, identity: tuple[str, int, str], contract: Contract, policy: DecisionPolicy, graph: GraphSession
    ) -> None:
        self.name, self.version, self.digest = identity
        self.contract = contract
        self.threshold = policy.threshold
        self.high_risk_from = max(policy.high_risk_from, policy.threshold)
        self.form = RequestForm(contract)
        self.score_row = graph.score_row
        self.score_columns = graph.score

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
