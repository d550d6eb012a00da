"""Monotone constraints of the contract, in the order in which a model sees its features."""

from churn.contract.contract import Contract
from churn.contract.monotone import monotone_signs
from churn.features.frame import number_features, text_features


def constraints_of(contract: Contract) -> list[int]:
    """Return for each feature +1 if it must never lower the risk, -1 if never raise it, else 0."""
    signs = monotone_signs(contract.columns, contract.derived)
    return [signs.get(name, 0) for name in (*number_features(contract), *text_features(contract))]
