import numpy as np
import pytest

from churn.segments.choosing import choice_of, choose_count, k_means
from churn.segments.profile import Trial
from churn.segments.scaling import fit_scale
from tests.churn.segments.crowds import PLACES


def blobs(groups: int, rows: int, *, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array(PLACES, float)[rng.integers(groups, size=rows)] + rng.normal(scale=4.0, size=(rows, 2))


def _scaled(values: np.ndarray) -> np.ndarray:
    return fit_scale("skewed", values.astype(np.float32)).encode(values)


@pytest.mark.parametrize("groups", [2, 4, 6])
def test_groups_that_lie_apart_are_counted(groups: int) -> None:
    choice = choose_count(blobs(groups, 400, seed=groups), seed=0)

    assert choice.count == groups
    assert choice.is_discovered
    assert [trial.count for trial in choice.trials] == list(range(2, 9))


@pytest.mark.parametrize("cloud", ["round", "long", "even square", "one number", "skewed"])
def test_one_crowd_is_divided_in_four_and_said_to_be_one_crowd(cloud: str) -> None:
    rng = np.random.default_rng(0)
    points = {
        "round": rng.normal(size=(400, 3)),
        "long": rng.normal(size=(400, 3)) * (5, 1, 1),
        "even square": rng.random((400, 2)),
        "one number": rng.normal(size=(400, 1)),
        "skewed": np.hstack([_scaled(rng.exponential(size=400)) for _ in range(2)]),
    }[cloud]

    choice = choose_count(points, seed=0)

    assert choice.count == 4
    assert not choice.is_discovered
    assert "a convenient division of it, not groups that were discovered" in choice.why


def test_the_same_seed_chooses_the_same() -> None:
    points = blobs(3, 150, seed=0)

    assert choose_count(points, seed=5) == choose_count(points, seed=5)


@pytest.mark.parametrize("fault", [{"stability": 0.8}, {"silhouette": 0.45}, {"smallest_share": 0.01}])
def test_what_does_not_come_again_or_touches_or_is_tiny_is_not_taken(fault: dict[str, float]) -> None:
    good = Trial(count=3, stability=0.95, silhouette=0.7, silhouette_of_one_cloud=0.3, smallest_share=0.2)

    assert choice_of((good,)).count == 3
    assert choice_of((good.model_copy(update=fault),)).count == 4


def test_fewer_points_than_segments_are_tried_with_fewer_segments() -> None:
    points = np.repeat([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]], 30, axis=0)

    assert [trial.count for trial in choose_count(points, seed=0).trials] == [2]


def test_k_means_is_the_same_for_a_seed() -> None:
    points = blobs(4, 300, seed=0)

    assert np.array_equal(k_means(points, 4, seed=1).labels_, k_means(points, 4, seed=1).labels_)
