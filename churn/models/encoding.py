"""CatBoostEncoder (category_encoders) and its form as look-ups in the graph.

Method: ordered target statistics, Prokhorenkova et al., "CatBoost: unbiased boosting with categorical features", 2018.
"""

from collections.abc import Mapping

from category_encoders import CatBoostEncoder

from churn.contract.contract import Contract
from churn.features.frame import text_features
from churn.features.graph import GraphBuilder


def category_encoder(contract: Contract, prior_weight: float) -> CatBoostEncoder:
    """Return an unfitted encoder of the contract's categories; a missing value ("") is a category like any other."""
    return CatBoostEncoder(cols=list(text_features(contract)), a=prior_weight, return_df=True)


def encoded_onnx(
    encoder: CatBoostEncoder, contract: Contract, graph: GraphBuilder, tensors: Mapping[str, str]
) -> dict[str, str]:
    """Add one look-up per category; unknown values get the prior, as the encoder does."""
    return {
        name: graph.lookup(tensors[name], _table(encoder, name), float(encoder._mean))  # noqa: SLF001 no public name
        for name in text_features(contract)
    }


def _table(encoder: CatBoostEncoder, name: str) -> dict[str, float]:
    """Encoded value per category: (sum + prior · weight) / (count + weight)."""
    statistics = encoder.mapping[name]
    weight, prior = encoder.a, encoder._mean  # noqa: SLF001 no public name
    values = (statistics["sum"] + prior * weight) / (statistics["count"] + weight)
    return {str(category): float(value) for category, value in values.items() if isinstance(category, str)}
