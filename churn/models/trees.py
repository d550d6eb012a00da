"""Decision trees of any library in one form, as flat arrays and as one node of a graph."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from churn.features.graph import ML_DOMAIN, GraphBuilder

CHUNK_ROWS = 4096
"""Rows that walk down all trees at once: 200 trees then take 6 MB per array."""


@dataclass(frozen=True, slots=True)
class Trees:
    """Trees as arrays of shape (nodes,): a row goes left when its feature is at most the threshold.

    Attributes:
        feature: index of the feature that a node asks for; 0 at leaves.
        threshold: float32; what a library compares in double is rounded down, which is the same for float32 features.
        left: index of the left child; a leaf is its own child.
        right: index of the right child; a leaf is its own child.
        missing_left: True where a row without the value goes left.
        value: what a leaf adds to the sum; 0 elsewhere.
        roots: index of each tree's first node, shape (trees,).
        base: what is added to the sum of the leaves.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    value: np.ndarray
    roots: np.ndarray
    base: float = 0.0

    @property
    def is_leaf(self) -> np.ndarray:
        """True for leaves; shape (nodes,)."""
        return np.asarray(self.left == np.arange(len(self.left)))

    def leaves(self, features: np.ndarray) -> np.ndarray:
        """Return the leaf that each row reaches in each tree, shape (rows, trees).

        Args:
            features: float32 of shape (rows, features), NaN where missing.
        """
        chunks = [self._walk(features[start : start + CHUNK_ROWS]) for start in range(0, len(features), CHUNK_ROWS)]
        return np.concatenate(chunks) if chunks else np.empty((0, len(self.roots)), np.int32)

    def margin(self, features: np.ndarray) -> np.ndarray:
        """Return base + the sum of the reached leaves, float64 of shape (rows,)."""
        return np.asarray(self.base + self.value[self.leaves(features)].sum(axis=1))

    def _walk(self, features: np.ndarray) -> np.ndarray:
        rows = np.arange(len(features))[:, None]
        reached = np.tile(self.roots.astype(np.int32), (len(features), 1))
        while not self.is_leaf[reached].all():
            values = features[rows, self.feature[reached]]
            goes_left = (values <= self.threshold[reached]) | (np.isnan(values) & self.missing_left[reached])
            reached = np.where(goes_left, self.left[reached], self.right[reached]).astype(np.int32)
        return reached


def one_tree(
    *, split: Sequence[np.ndarray], children: Sequence[np.ndarray], missing_left: np.ndarray, value: np.ndarray
) -> Trees:
    """Return one tree whose first node is its root.

    Args:
        split: feature and threshold per node, shape (nodes,) each.
        children: left and right child per node; any negative number at leaves.
        missing_left: True where a row without the value goes left.
        value: what a leaf adds; anything elsewhere.
    """
    (feature, threshold), (left, right) = split, children
    own, is_leaf = np.arange(len(left), dtype=np.int32), np.asarray(left) < 0
    return Trees(
        feature=np.where(is_leaf, 0, feature).astype(np.int32),
        threshold=np.where(is_leaf, np.float32(0), rounded_down(threshold)).astype(np.float32),
        left=np.where(is_leaf, own, left).astype(np.int32),
        right=np.where(is_leaf, own, right).astype(np.int32),
        missing_left=np.where(is_leaf, False, missing_left),  # noqa: FBT003 numpy's arguments have no names
        value=np.where(is_leaf, value, 0.0).astype(np.float64),
        roots=np.zeros(1, np.int32),
    )


def join(parts: Sequence[Trees], *, base: float = 0.0) -> Trees:
    """Put trees side by side."""
    starts = np.cumsum([0, *(len(part.left) for part in parts[:-1])]).astype(np.int32)
    pairs = list(zip(parts, starts, strict=True))
    return Trees(
        feature=np.concatenate([part.feature for part in parts]),
        threshold=np.concatenate([part.threshold for part in parts]),
        left=np.concatenate([part.left + start for part, start in pairs]),
        right=np.concatenate([part.right + start for part, start in pairs]),
        missing_left=np.concatenate([part.missing_left for part in parts]),
        value=np.concatenate([part.value for part in parts]),
        roots=np.concatenate([part.roots + start for part, start in pairs]),
        base=base,
    )


def rounded_down(threshold: np.ndarray) -> np.ndarray:
    """Return the largest float32 that is not above: no float32 lies between the two."""
    with np.errstate(over="ignore", under="ignore"):
        rounded = np.asarray(threshold).astype(np.float32)
        return np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def trees_onnx(trees: Trees, graph: GraphBuilder, features: str) -> str:
    """Add the trees as one node over features of shape (rows, features): base + sum of leaves, shape (rows, 1)."""
    is_leaf, own = trees.is_leaf, np.arange(len(trees.left))
    tree = np.searchsorted(trees.roots, own, side="right") - 1
    number = own - trees.roots[tree]
    return graph.add(
        "TreeEnsembleRegressor",
        features,
        domain=ML_DOMAIN,
        n_targets=1,
        base_values=[trees.base],
        nodes_treeids=tree.tolist(),
        nodes_nodeids=number.tolist(),
        nodes_featureids=trees.feature.tolist(),
        nodes_values=trees.threshold.tolist(),
        nodes_modes=np.where(is_leaf, "LEAF", "BRANCH_LEQ").tolist(),
        nodes_truenodeids=np.where(is_leaf, 0, trees.left - trees.roots[tree]).tolist(),
        nodes_falsenodeids=np.where(is_leaf, 0, trees.right - trees.roots[tree]).tolist(),
        nodes_missing_value_tracks_true=trees.missing_left.astype(int).tolist(),
        target_treeids=tree[is_leaf].tolist(),
        target_nodeids=number[is_leaf].tolist(),
        target_ids=[0] * int(is_leaf.sum()),
        target_weights=trees.value[is_leaf].tolist(),
    )
