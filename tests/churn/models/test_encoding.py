import numpy as np
import pandas as pd
import pytest

from churn.models.encoding import SETTLED_ROWS, SettledEncoder


def fitted(categories: np.ndarray, target: np.ndarray) -> tuple[SettledEncoder, pd.DataFrame, pd.DataFrame]:
    frame = pd.DataFrame({"city": categories.astype(object)})
    encoder = SettledEncoder(cols=["city"], a=10.0, return_df=True)
    return encoder, encoder.fit_transform(frame, target), encoder.transform(frame)


def test_a_frequent_category_is_fitted_with_the_value_that_it_is_scored_with() -> None:
    rng = np.random.default_rng(0)
    categories, target = rng.choice(["a", "b"], 4 * SETTLED_ROWS), rng.integers(0, 2, 4 * SETTLED_ROWS)

    _, while_fitting, while_scoring = fitted(categories, target)

    pd.testing.assert_frame_equal(while_fitting, while_scoring)
    assert while_fitting["city"].nunique() == 2


@pytest.mark.parametrize("rows", [2, 20])
def test_a_rare_category_never_shows_a_row_its_own_label(rows: int) -> None:
    categories = np.repeat([f"city {number}" for number in range(2000 // rows)], rows)
    target = np.random.default_rng(1).integers(0, 2, len(categories))

    _, while_fitting, while_scoring = fitted(categories, target)

    assert abs(np.corrcoef(while_fitting["city"], target)[0, 1]) < 0.08
    assert np.corrcoef(while_scoring["city"], target)[0, 1] > 0.15


def test_rare_and_frequent_categories_of_one_column_are_each_treated_their_way() -> None:
    categories = np.array(["often"] * SETTLED_ROWS + ["rare"] * (SETTLED_ROWS - 1))
    target = np.random.default_rng(2).integers(0, 2, len(categories))

    _, while_fitting, _ = fitted(categories, target)

    assert while_fitting["city"][categories == "often"].nunique() == 1
    assert while_fitting["city"][categories == "rare"].nunique() > 50
