import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.models.trees import Trees, join, one_tree, rounded_down, trees_onnx
from tests.churn.models.tree_models import MAKERS, labels, of_lightgbm, rows, run_onnx


def on_the_edge(trees: Trees, *, seed: int) -> np.ndarray:
    """Rows whose every value is a threshold of its feature, or the float32 before or after it."""
    rng = np.random.default_rng(seed)
    columns = []
    for feature in range(5):
        own = trees.threshold[~trees.is_leaf & (trees.feature == feature)]
        near = np.concatenate([own, np.nextafter(own, np.float32(9)), np.nextafter(own, np.float32(-9)), [np.nan, 0]])
        columns.append(rng.choice(near, 500))
    return np.column_stack(columns).astype(np.float32)


@pytest.mark.parametrize("library", MAKERS)
@pytest.mark.parametrize("complete", [(), (0, 1, 2, 3, 4)], ids=["missing values seen", "none seen while fitting"])
def test_trees_say_what_their_library_says(library: str, complete: tuple[int, ...]) -> None:
    seen = rows(400, seed=1, complete=complete)
    trees, margin = MAKERS[library](seen, labels(seen))

    for unseen in (rows(500, seed=2), on_the_edge(trees, seed=3)):
        np.testing.assert_allclose(trees.margin(unseen), margin(unseen), atol=3e-6)


@pytest.mark.parametrize("library", MAKERS)
def test_the_graph_says_what_the_trees_say(library: str) -> None:
    seen = rows(400, seed=1)
    trees, _ = MAKERS[library](seen, labels(seen))
    unseen = np.vstack([rows(500, seed=2), on_the_edge(trees, seed=3), np.full((1, 5), np.nan, np.float32)])

    by_graph = run_onnx(unseen, lambda graph, features: trees_onnx(trees, graph, features))

    np.testing.assert_allclose(by_graph, trees.margin(unseen), atol=3e-6)


def test_a_model_that_found_nothing_to_ask_is_its_base() -> None:
    features = np.zeros((100, 5), np.float32)
    trees, margin = of_lightgbm(features, np.arange(100) % 4 // 3)

    np.testing.assert_allclose(trees.margin(features), margin(features), atol=1e-6)
    by_graph = run_onnx(features, lambda graph, tensor: trees_onnx(trees, graph, tensor))
    np.testing.assert_allclose(by_graph, margin(features), atol=1e-6)


def test_more_rows_than_one_chunk_reach_the_same_leaves() -> None:
    seen = rows(400, seed=1)
    trees, _ = of_lightgbm(seen, labels(seen))
    many = rows(9000, seed=2)

    assert np.array_equal(trees.leaves(many)[8000:], trees.leaves(many[8000:]))


def test_no_rows_reach_no_leaves() -> None:
    trees, _ = of_lightgbm(rows(200, seed=1), labels(rows(200, seed=1)))

    assert trees.margin(np.empty((0, 5), np.float32)).shape == (0,)


def test_joined_trees_add_up() -> None:
    def stump(value: float) -> Trees:
        return one_tree(
            split=(np.array([0, 0, 0]), np.array([1.0, 0, 0])),
            children=(np.array([1, -1, -1]), np.array([2, -1, -1])),
            missing_left=np.array([True, False, False]),
            value=np.array([0, value, -value]),
        )

    trees = join([stump(1.0), stump(10.0)], base=0.5)

    assert trees.margin(np.array([[1], [1.1], [np.nan]], np.float32)).tolist() == [11.5, -10.5, 11.5]


@given(st.floats(allow_nan=False, width=64), st.floats(allow_nan=False, width=32))
def test_a_threshold_rounded_down_parts_float32_numbers_alike(threshold: float, value: float) -> None:
    rounded = rounded_down(np.array([threshold]))[0]

    assert (np.float32(value) <= rounded) == (value <= threshold)
