"""The adapter of Evidently."""

import math

import pandas as pd
import pytest

from monitoring.evidently_report import Comparison, compare
from tests.monitoring.pages import count_scripts

REFERENCE = ["a"] * 60 + ["b"] * 40
LIVE = ["a"] * 40 + ["b"] * 60


def test_the_psi_is_that_of_the_textbook() -> None:
    psi = 2 * 0.2 * math.log(0.6 / 0.4)
    live, reference = (pd.DataFrame({"x": rows, "y": rows}) for rows in (LIVE, REFERENCE))

    found = compare(live, reference, {"x": 0.1, "y": 0.1}, headline="x", share=0.5).values

    assert found["x"] == found["y"] == pytest.approx(psi)


def test_the_name_of_a_column_is_no_markup_and_names_stay_apart() -> None:
    names = ["</script><script>alert(1)</script>", "‹/script›‹script›alert(1)‹/script›"]

    found, plain = _compare(names), _compare(["x", "y"])

    assert set(found.values) == set(names)
    assert count_scripts(found.html) == count_scripts(plain.html)


def _compare(names: list[str]) -> Comparison:
    live, reference = (pd.DataFrame(dict.fromkeys(names, rows)) for rows in (LIVE, REFERENCE))
    return compare(live, reference, dict.fromkeys(names, 0.1), headline=names[0], share=0.5)
