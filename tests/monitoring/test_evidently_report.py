"""The adapter of Evidently."""

import math

import pandas as pd
import pytest

from monitoring.evidently_report import Comparison, compare
from monitoring.measures import JENSEN_SHANNON, PSI
from tests.monitoring.pages import count_scripts

REFERENCE = ["a"] * 60 + ["b"] * 40
LIVE = ["a"] * 40 + ["b"] * 60


def test_the_distances_are_those_of_the_textbook() -> None:
    psi = 2 * 0.2 * math.log(0.6 / 0.4)
    divergence = 0.5 * sum(p * math.log(p / 0.5) + q * math.log(q / 0.5) for p, q in ((0.6, 0.4), (0.4, 0.6)))
    live, reference = (pd.DataFrame({"x": rows, "y": rows}) for rows in (LIVE, REFERENCE))
    thresholds = {(column, method): 0.1 for column in ("x", "y") for method in (PSI, JENSEN_SHANNON)}

    found = compare(live, reference, thresholds, headline="x", share=0.5).values

    assert found["x", PSI] == found["y", PSI] == pytest.approx(psi)
    assert found["x", JENSEN_SHANNON] == found["y", JENSEN_SHANNON] == pytest.approx(math.sqrt(divergence))


def test_the_name_of_a_column_is_no_markup_and_names_stay_apart() -> None:
    names = ["</script><script>alert(1)</script>", "‹/script›‹script›alert(1)‹/script›"]

    found, plain = _compare(names), _compare(["x", "y"])

    assert set(found.values) == {(name, PSI) for name in names} | {(name, JENSEN_SHANNON) for name in names}
    assert count_scripts(found.html) == count_scripts(plain.html)


def _compare(names: list[str]) -> Comparison:
    live, reference = (pd.DataFrame(dict.fromkeys(names, rows)) for rows in (LIVE, REFERENCE))
    thresholds = {(name, method): 0.1 for name in names for method in (PSI, JENSEN_SHANNON)}
    return compare(live, reference, thresholds, headline=names[0], share=0.5)
