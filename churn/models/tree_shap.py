"""Why trees say what they say: exact path-dependent TreeSHAP as a handful of matrix operations in the graph.

Method: Lundberg et al., "From local explanations to global understanding with explainable AI for trees", 2020. Here a
leaf is a product game over the features on its path: a known feature passes or fails an interval (0 or 1), an unknown
one passes with the share of customers that did. The Shapley value of a product game is an integral over one
probability of being known, ∫ (passed_i - share_i) · Π_{j≠i} (t · passed_j + (1 - t) · share_j) dt. The integrand is a
polynomial, so Gauss-Legendre with ⌈features on the path / 2⌉ nodes is exact.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from churn.features.graph import GraphBuilder
from churn.models.trees import Trees

EXPLAIN_ROWS = 256
"""Rows that are explained at once. An intermediate tensor takes 4 bytes · rows · (leaf, feature) pairs: 200 trees of
16 leaves and 4 features a path make 12,800 pairs, 13 MB; about four are alive together."""

SMALLEST_SHARE = 1e-6
"""Floor of the share that passes: keeps the division in the graph finite. Contributions still add up exactly."""

FLOAT = 1


@dataclass(frozen=True, slots=True)
class Interval:
    """What a path asks of one feature: low < value <= high, or missing where that is let through."""

    feature: int
    low: float = -np.inf
    high: float = np.inf
    takes_missing: bool = True

    def narrowed(self, threshold: float, *, is_left: bool, takes_missing: bool) -> "Interval":
        """Return the interval after one more question about the same feature."""
        low = self.low if is_left else max(self.low, threshold)
        high = min(self.high, threshold) if is_left else self.high
        return Interval(self.feature, low, high, self.takes_missing and takes_missing)

    @property
    def is_empty(self) -> bool:
        """True when no value passes."""
        return self.low >= self.high and not self.takes_missing


@dataclass(frozen=True, slots=True)
class Path:
    """A leaf: what it adds, and the share of customers that passes each interval on the way to it."""

    value: float
    shares: Mapping[Interval, float]


def paths_of(trees: Trees, background: np.ndarray) -> list[Path]:
    """Return the paths that add something, shares counted on a background sample of shape (rows, features)."""
    cover = _cover(trees, background)
    found = [path for root in trees.roots for path in _walk(trees, cover, int(root))]
    return [path for path in found if path.value and not any(one.is_empty for one in path.shares)]


def expected_margin(trees: Trees, paths: list[Path]) -> float:
    """Return the margin that is expected before any feature is known."""
    return trees.base + float(sum(path.value * np.prod(list(path.shares.values())) for path in paths))


def contributions_of(paths: list[Path], features: int, target: tuple[GraphBuilder, str]) -> str:
    """Add the Shapley values of a sum of paths to a graph.

    Args:
        paths: of all trees.
        features: how many there are.
        target: the graph, and its tensor of shape (rows, features).

    Returns:
        Name of a tensor of shape (rows, features).
    """
    graph, tensor = target
    asking = sorted((path for path in paths if path.shares), key=lambda path: len(path.shares))
    if not asking:
        return graph.add("Mul", graph.where_missing(tensor, 0.0), graph.constant(0.0))
    numbers = {one: number for number, one in enumerate(dict.fromkeys(one for path in asking for one in path.shares))}
    passed = _passed_onnx(list(numbers), graph, tensor)
    groups = [list(group) for _, group in groupby(asking, key=lambda path: len(path.shares))]
    return graph.total([_Group(group, numbers, features).onnx(graph, passed) for group in groups])


class _Group:
    """Paths with equally many features, as arrays of shape (features on a path, paths)."""

    def __init__(self, paths: list[Path], numbers: Mapping[Interval, int], features: int) -> None:
        self.number = np.array([[numbers[one] for one in path.shares] for path in paths], np.int32).T
        self.feature = np.array([[one.feature for one in path.shares] for path in paths]).T
        self.share = np.array([list(path.shares.values()) for path in paths]).T
        self.value = np.array([path.value for path in paths])
        self.features = features

    def onnx(self, graph: GraphBuilder, passed: str) -> str:
        """Add the contributions of these paths: (rows, intervals) to (rows, features)."""
        own = graph.add("Gather", passed, graph.constant(self.number, np.int32), axis=1)
        gained = graph.add(
            "Sub",
            graph.add("Mul", own, graph.constant(self.value)),
            graph.constant(self.share * self.value),
        )
        if len(self.share) > 1:
            gained = graph.add("Mul", gained, self._others_onnx(graph, own))
        flat = graph.add("Reshape", gained, graph.constant([-1, self.share.size], np.int64))
        return graph.add("MatMul", flat, self._feature_matrix(graph))

    def _others_onnx(self, graph: GraphBuilder, own: str) -> str:
        """Add ∫ Π_{j≠i}: for each node t the product of all factors, divided by the own one."""
        nodes, weights = np.polynomial.legendre.leggauss((len(self.share) + 1) // 2)
        terms = []
        for known, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
            unknown = graph.constant((1 - known) * self.share)
            factors = graph.add("Add", graph.add("Mul", own, graph.constant(known)), unknown)
            product = graph.add("ReduceProd", factors, graph.constant([1], np.int64), keepdims=1)
            weighted = graph.add("Mul", product, graph.constant(weight))
            terms.append(graph.add("Div", weighted, factors))
        return graph.total(terms)

    def _feature_matrix(self, graph: GraphBuilder) -> str:
        """Which feature an entry belongs to, as zeros and ones; made when the graph is loaded, not stored in it."""
        owner = graph.constant(self.feature.reshape(-1, 1), np.int32)
        is_owner = graph.add("Equal", owner, graph.constant(np.arange(self.features), np.int32))
        return graph.add("Cast", is_owner, to=FLOAT)


def _passed_onnx(intervals: list[Interval], graph: GraphBuilder, tensor: str) -> str:
    """Add 1 where a row passes an interval, else 0: (rows, features) to (rows, intervals)."""
    index = graph.constant([one.feature for one in intervals], np.int32)
    values = graph.add("Gather", tensor, index, axis=1)
    is_above = graph.add("Greater", values, graph.constant([one.low for one in intervals]))
    is_below = graph.add("LessOrEqual", values, graph.constant([one.high for one in intervals]))
    is_missing = graph.add("Gather", graph.add("IsNaN", tensor), index, axis=1)
    is_let_through = graph.add("And", is_missing, graph.constant([one.takes_missing for one in intervals], np.bool_))
    return graph.add("Cast", graph.add("Or", graph.add("And", is_above, is_below), is_let_through), to=FLOAT)


def _cover(trees: Trees, background: np.ndarray) -> np.ndarray:
    """Count the background's rows that pass through each node, shape (nodes,)."""
    cover = np.bincount(trees.leaves(background).ravel(), minlength=len(trees.left)).astype(np.float64)
    for inner in reversed(_levels(trees)):
        cover[inner] = cover[trees.left[inner]] + cover[trees.right[inner]]
    return cover


def _levels(trees: Trees) -> list[np.ndarray]:
    """Return the nodes that ask, level by level, roots first."""
    level, levels = trees.roots, []
    while len(inner := level[~trees.is_leaf[level]]):
        levels.append(inner)
        level = np.concatenate([trees.left[inner], trees.right[inner]])
    return levels


def _walk(trees: Trees, cover: np.ndarray, root: int) -> Iterator[Path]:
    waiting: list[tuple[int, dict[int, tuple[Interval, float]]]] = [(root, {})]
    while waiting:
        node, known = waiting.pop()
        if trees.left[node] == node:
            shares = {one: max(share, SMALLEST_SHARE) for one, share in known.values()}
            yield Path(float(trees.value[node]), shares)
            continue
        waiting += [
            (child, _step(trees, cover, (node, child), known)) for child in (trees.left[node], trees.right[node])
        ]


def _step(
    trees: Trees, cover: np.ndarray, edge: tuple[int, int], known: dict[int, tuple[Interval, float]]
) -> dict[int, tuple[Interval, float]]:
    """Return what is known of a path after one more edge; where no background row came, both ways are as likely."""
    node, child = edge
    feature, is_left = int(trees.feature[node]), bool(child == trees.left[node])
    interval, share = known.get(feature, (Interval(feature), 1.0))
    narrowed = interval.narrowed(
        float(trees.threshold[node]), is_left=is_left, takes_missing=bool(trees.missing_left[node]) == is_left
    )
    passed = cover[child] / cover[node] if cover[node] else 0.5
    return {**known, feature: (narrowed, share * passed)}
