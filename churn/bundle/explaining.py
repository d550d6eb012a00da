"""Writes the second graph: from the contract's raw columns to what each adds to the log-odds of leaving.

A candidate gives contributions φ of its features to its margin m = base + Σφ. Two steps lead from there to the answer:

- A derived column's contribution is shared equally by the columns that it is made from.
- Calibration bends the margin: with L(m) the log-odds of the calibrated probability, each φ is multiplied by
  (L(m) - L(base)) / (m - base), so that they add up to L(m) - L(base) (the rescale rule; Chen, Lundberg and Lee,
  "Explaining a series of models by propagating Shapley values", 2022). L never falls, so no sign changes.
"""

import numpy as np
import pandas as pd
from onnx import ModelProto, TensorProto

from churn.bundle.additivity import NEAREST_TO_CERTAIN
from churn.bundle.files import CONTRIBUTIONS
from churn.contract.contract import Contract
from churn.contract.derived import sources_of
from churn.features.frame import feature_tensors, number_features, text_features
from churn.features.graph import GraphBuilder
from churn.models.calibration import CalibratedPipeline, probability_onnx
from churn.models.candidate import Candidate

SMALLEST_STEP = 1e-5
"""Closer to the base than this, the ratio of two differences is noise, and the slope at the base stands for it."""

SLOPE_STEP = 0.01


def explanation_graph(
    candidate: Candidate, fitted: CalibratedPipeline, contract: Contract, background: pd.DataFrame
) -> ModelProto | None:
    """Write the explanation of a fitted pipeline as a graph with one output of shape (rows, columns + 1), float32.

    Args:
        candidate: the kind of model.
        fitted: the calibrated pipeline.
        contract: its columns are the inputs, and in their order the columns of the output; the last one is the base.
        background: a sample of the training rows, raw columns: what nothing being known is measured on.

    Returns:
        None when the candidate can't give reasons.

    Raises:
        BundleError: the graph is not valid.
    """
    graph = GraphBuilder()
    tensors = feature_tensors(contract, graph)
    try:
        found = candidate.contributions_onnx(fitted.pipeline_, background, (graph, tensors))
    except NotImplementedError:
        return None
    of_columns = graph.add("MatMul", _double(graph, found.tensor), _constant(graph, shares(contract)))
    calibrated = _Calibrated(fitted, graph, found.base)
    scaled, base = calibrated.rescale(of_columns)
    both = graph.add("Concat", scaled, base, axis=1)
    return graph.build(graph.add("Cast", both, to=TensorProto.FLOAT), CONTRIBUTIONS, width=len(contract.columns) + 1)


def shares(contract: Contract) -> np.ndarray:
    """Return which part of a feature's contribution each column gets: shape (features, columns), rows add up to 1."""
    columns = list(contract.columns)
    features = [*number_features(contract), *text_features(contract)]
    found = np.zeros((len(features), len(columns)))
    for row, feature in enumerate(features):
        sources = sources_of(contract.derived[feature]) if feature in contract.derived else (feature,)
        for source in sources:
            found[row, columns.index(source)] += 1 / len(sources)
    return found


class _Calibrated:
    """Bends contributions to a margin into contributions to calibrated log-odds, inside a graph and in double."""

    def __init__(self, fitted: CalibratedPipeline, graph: GraphBuilder, base: float) -> None:
        self._fitted = fitted
        self._graph = graph
        self._base = base

    def rescale(self, contributions: str) -> tuple[str, str]:
        """Return the bent contributions (rows, columns) and their base (rows, 1)."""
        graph = self._graph
        step = graph.add("ReduceSum", contributions, graph.constant([1], np.int64), keepdims=1)
        margin = graph.add("Add", step, _constant(graph, self._base))
        after = self._log_odds(graph.add("Cast", margin, to=TensorProto.FLOAT))
        before = self._log_odds(self._constant_margin(0.0))
        is_step = graph.add("Greater", graph.add("Abs", step), _constant(graph, SMALLEST_STEP))
        divisor = graph.add("Where", is_step, step, _constant(graph, 1.0))
        secant = graph.add("Div", graph.add("Sub", after, before), divisor)
        ratio = graph.add("Where", is_step, secant, self._slope())
        base = graph.add("Expand", before, graph.add("Shape", step))
        return graph.add("Mul", contributions, ratio), base

    def _slope(self) -> str:
        above, below = (self._log_odds(self._constant_margin(step)) for step in (SLOPE_STEP, -SLOPE_STEP))
        return self._graph.add("Div", self._graph.add("Sub", above, below), _constant(self._graph, 2 * SLOPE_STEP))

    def _constant_margin(self, step: float) -> str:
        return self._graph.constant(np.array([[self._base + step]]))

    def _log_odds(self, margin: str) -> str:
        """From the very float32 probability that is served: its log-odds are what has to come out."""
        graph = self._graph
        probability = _double(graph, probability_onnx(self._fitted, graph, margin))
        lowest, highest = _constant(graph, NEAREST_TO_CERTAIN), _constant(graph, 1 - NEAREST_TO_CERTAIN)
        clipped = graph.add("Clip", probability, lowest, highest)
        return graph.add("Log", graph.add("Div", clipped, graph.add("Sub", _constant(graph, 1.0), clipped)))


def _constant(graph: GraphBuilder, value: float | np.ndarray) -> str:
    return graph.constant(value, np.float64)


def _double(graph: GraphBuilder, tensor: str) -> str:
    return graph.add("Cast", tensor, to=TensorProto.DOUBLE)
