import numpy as np
import pytest

from churn.evaluation.explanation_plots import explanation_plots
from churn.evaluation.explanations import Reasons, groups_of, importance, interactions

ROWS = 4_000


def reasons_with(joint: float, *, seed: int, noise: float = 0.0) -> Reasons:
    """Contributions of two numbers, x and y, that go together in the data, and a category.

    Half of joint · sign(x) · sign(y) belongs to x and half to y, as Shapley values share it; the rest is of one column.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=ROWS)
    y = 0.8 * x + 0.6 * rng.normal(size=ROWS)
    plan = rng.choice(np.array(["basic", "pro", ""], dtype=object), ROWS)
    both = joint * np.sign(x) * np.sign(y) / 2
    of_plan = np.where(plan == "pro", -0.5, 0.2) + noise * rng.normal(size=ROWS)
    contributions = np.column_stack([np.sin(2 * x) + both, y**2 - 1 + both, of_plan])
    columns = {"x": x.astype(np.float32), "y": y.astype(np.float32), "plan": plan}
    return Reasons(columns, contributions, base=-1.0)


@pytest.mark.parametrize("seed", range(5))
def test_columns_without_interaction_act_alone_though_they_go_together(seed: int) -> None:
    found = interactions(reasons_with(0.0, seed=seed))

    assert found.max() < 0.05


@pytest.mark.parametrize("seed", range(5))
def test_an_interaction_is_found_between_its_two_columns_and_no_others(seed: int) -> None:
    found = interactions(reasons_with(1.0, seed=seed))

    assert found[0, 1] > 0.2
    assert max(found[0, 2], found[1, 2]) < 0.05
    assert np.array_equal(found, found.T)
    assert np.array_equal(np.diag(found), np.zeros(3))


def test_a_stronger_interaction_is_a_larger_number() -> None:
    weak, strong = (interactions(reasons_with(joint, seed=1))[0, 1] for joint in (0.5, 1.0))

    assert strong == pytest.approx(2 * weak, rel=0.2)


def test_noise_alone_is_no_interaction() -> None:
    found = [interactions(reasons_with(0.0, seed=seed, noise=1.0))[2, :2].max() for seed in range(10)]

    assert np.mean(found) < 0.025


def test_importance_is_the_mean_size() -> None:
    assert importance(np.array([[1.0, -2.0], [-1.0, 0.0]])).tolist() == [1.0, 1.0]


def test_columns_are_ranked_by_what_they_move() -> None:
    assert [reasons_with(0.0, seed=1).names[one] for one in reasons_with(0.0, seed=1).ranked()] == ["y", "x", "plan"]


def test_missing_numbers_are_a_group_of_their_own() -> None:
    groups = groups_of(np.array([np.nan, 1, 2, 3, np.nan], np.float32))

    assert (groups[[0, 4]] == 0).all()
    assert (groups[1:4] > 0).all()


@pytest.mark.parametrize("values", [np.full(9, np.nan, np.float32), np.zeros(9, np.float32), np.full(9, "", object)])
def test_a_column_that_never_changes_is_one_group(values: np.ndarray) -> None:
    assert len(np.unique(groups_of(values))) == 1


def test_rare_categories_share_a_group() -> None:
    values = np.array([f"plan {number}" for number in range(40)] * 2 + ["basic"] * 9, dtype=object)

    assert len(np.unique(groups_of(values))) == 8


@pytest.mark.parametrize("width", [1, 2, 3])
def test_every_picture_is_drawn_however_few_columns_there_are(width: int) -> None:
    full = reasons_with(0.5, seed=1)
    some = Reasons(dict(list(full.columns.items())[:width]), full.contributions[:, :width], full.base)

    found = explanation_plots(some)

    assert set(found) == {"importance", "beeswarm", "dependence", "interactions"}
    for figure in found.values():
        figure.canvas.draw()


def test_columns_without_values_or_effect_are_drawn_too() -> None:
    columns = {"gone": np.full(5, np.nan, np.float32), "same": np.ones(5, np.float32), "text": np.full(5, "", object)}

    for figure in explanation_plots(Reasons(columns, np.zeros((5, 3)), base=0.0)).values():
        figure.canvas.draw()
