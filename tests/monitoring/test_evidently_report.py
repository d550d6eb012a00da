"""The adapter of Evidently."""

import math

import pandas as pd
import pytest

from monitoring.evidently_report import compare
from monitoring.measures import JENSEN_SHANNON, PSI
from tests.monitoring.pages import count_scripts

REFERENCE = ["a"] * 60 + ["b"] * 40
LIVE = ["a"] * 40 + ["b"] * 60


def test_the_distances_are_those_of_the_textbook() -> None:
    psi = 2 * 0.2 * math.log(0.6 / 0.4)
    divergence = 0.5 * sum(p * math.log(p / 0.5) + q * math.log(q / 0.5) for p, q in ((0.6, 0.4), (0.4, 0.6)))

    found = compare(
        pd.DataFrame({"x": LIVE}), pd.DataFrame({"x": REFERENCE}), {("x", PSI): 0.1, ("x", JENSEN_SHANNON): 0.1}
    )

    assert found.values["x", PSI] == pytest.approx(psi)
    assert found.values["x", JENSEN_SHANNON] == pytest.approx(math.sqrt(divergence))


def test_the_name_of_a_column_is_no_markup_and_names_stay_apart() -> None:
    names = ["<script>alert(1)</script>", "‹script›alert(1)‹/script›"]
    live, reference = (pd.DataFrame(dict.fromkeys(names, rows)) for rows in (LIVE, REFERENCE))
    plain = compare(
        live.set_axis(["x", "y"], axis=1), reference.set_axis(["x", "y"], axis=1), {("x", PSI): 1, ("y", PSI): 1}
    )

    found = compare(live, reference, {(name, PSI): 1 for name in names})

    assert set(found.values) == {(name, PSI) for name in names}
    assert count_scripts(found.html) == count_scripts(plain.html)
