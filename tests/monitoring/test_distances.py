"""Our distances are those that Evidently publishes."""

import json

import numpy as np
import pandas as pd
import pytest

from monitoring.distances import jensen_shannon, new_share, psi, share_change
from monitoring.evidently_report import _quiet, _run
from monitoring.measures import JENSEN_SHANNON, PSI


def test_distances_of_random_windows_are_those_of_evidently() -> None:
    """Sparse, empty and one-sided cells among them."""
    rng = np.random.default_rng(0)
    cells = (1, 4, 30)
    rows = {"live": 200, "reference": 20_000}
    drawn = {
        name: {
            f"x{place}": rng.choice(size, count, p=rng.dirichlet(np.full(size, 0.3)))
            for place, size in enumerate(cells)
        }
        for name, count in rows.items()
    }
    frames = {name: pd.DataFrame(columns).astype(str) for name, columns in drawn.items()}

    theirs = evidently_values(frames["live"], frames["reference"])

    for column in drawn["live"]:
        both = [np.bincount(drawn[name][column], minlength=30) for name in rows]
        live, reference = both  # with cells that are empty in both
        assert psi(live, reference) == pytest.approx(theirs[column, PSI], abs=1e-9)
        assert jensen_shannon(live, reference) == pytest.approx(theirs[column, JENSEN_SHANNON], abs=1e-9)


def evidently_values(live: pd.DataFrame, reference: pd.DataFrame) -> dict[tuple[str, str], float]:
    with _quiet():
        from evidently.metrics import ValueDrift

        asked = [ValueDrift(column=column, method=method) for column in live for method in (PSI, JENSEN_SHANNON)]
        metrics = json.loads(_run(live, reference, asked).json())["metrics"]
    return {(one["config"]["column"], one["config"]["method"]): float(one["value"]) for one in metrics}


def test_many_pairs_are_measured_at_once() -> None:
    live, reference = np.array([[5, 5], [1, 9]]), np.array([[5, 5], [9, 1]])

    assert psi(live, reference) == pytest.approx([0, float(psi(live[1], reference[1]))])
    assert jensen_shannon(live, reference) == pytest.approx([0, float(jensen_shannon(live[1], reference[1]))])
    assert share_change(live, reference) == pytest.approx([0, -0.8])


def test_the_first_cell_is_no_news() -> None:
    assert new_share(np.array([5, 3, 2]), np.array([0, 9, 0])) == pytest.approx(0.2)
