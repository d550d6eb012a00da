import warnings
from pathlib import Path

import numpy as np
import pytest

from churn.segments.clusters import find_segments
from churn.segments.heat import heat_rows
from churn.segments.plots import plots
from tests.churn.segments.crowds import crowd, leavers, shop


@pytest.mark.parametrize("columns_of", [["visits"], ["visits", "basket", "channel"]])
@pytest.mark.parametrize("has_value", [True, False])
def test_every_picture_can_be_saved(tmp_path: Path, *, columns_of: list[str], has_value: bool) -> None:
    columns, truth = crowd(200, 3, seed=0)
    value = np.full(200, 7.0) if has_value else None
    contract = shop(segments={"columns": columns_of, "count": 8})
    book = find_segments(contract, columns, leavers(truth, seed=0), seed=0, values=value)

    with warnings.catch_warnings(action="error"):
        pictures = plots(book, columns)
        for name, figure in pictures.items():
            figure.savefig(tmp_path / f"{name}.png")

    assert set(pictures) == {"segment_map", "segment_profiles", "segment_churn"}
    assert all(figure.axes[0].get_title() for figure in pictures.values())
    assert len(pictures["segment_churn"].axes) == (2 if has_value else 1)


def test_the_heat_map_says_nothing_twice() -> None:
    columns, truth = crowd(400, 3, seed=0)
    columns["age"] = columns["visits"] * 2
    book = find_segments(shop(), columns, leavers(truth, seed=0), seed=0)

    words = [row.words for row in heat_rows(book, columns)]

    assert words[:2] == ["visits", "basket"]
    assert "age" not in words
