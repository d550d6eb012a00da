import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from churn.retention.priority import PriorityScale, scale_of

AMOUNTS = st.lists(st.floats(-1000, 1000), min_size=1, max_size=50)


@given(sample=AMOUNTS, asked=AMOUNTS)
def test_more_at_stake_never_ranks_lower_and_the_score_is_a_percentage(sample: list[float], asked: list[float]) -> None:
    scale = scale_of("expected_profit", np.array(sample))

    scores = [scale.of(amount) for amount in sorted(asked)]

    assert scores == sorted(scores)
    assert all(0 <= score <= 100 for score in scores)
    assert scale.of_all(np.array(sorted(asked))).tolist() == scores


def test_the_score_is_the_share_of_customers_with_less() -> None:
    scale = scale_of("expected_profit", np.arange(1001.0))

    assert [scale.of(amount) for amount in (-5, 0, 250, 500, 999, 1000, 2000)] == [0, 0, 25, 50, 99.9, 100, 100]


def test_customers_who_are_all_alike_are_in_the_middle() -> None:
    scale = scale_of("probability", np.full(10, 0.3))

    assert scale.of(0.3) == 50


def test_a_scale_that_falls_is_refused() -> None:
    with pytest.raises(ValidationError, match="must ascend"):
        PriorityScale(measure="probability", quantiles=(1, 0))
