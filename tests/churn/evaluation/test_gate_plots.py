"""The picture of a verdict."""

from io import BytesIO

import numpy as np

from churn.evaluation.gate import Contender, Evidence, Gate, Rows, judge
from churn.evaluation.gate_plots import gate_plot


def evidence(*, with_production: bool) -> Evidence:
    rng = np.random.default_rng(4)
    good = rng.uniform(size=400)
    target = (rng.uniform(size=400) < good).astype(np.int8)
    sides = [Contender(one, one * 40 - 10, 0.3) for one in (good, rng.permutation(good))]
    rows = Rows(target, np.where(target == 1, 30.0, -10.0), currency="EUR")
    return Evidence(rows, sides[0], sides[1] if with_production else None)


def test_beside_production_there_is_the_interval_with_0_and_both_campaigns() -> None:
    found = evidence(with_production=True)
    verdict = judge(found, Gate())

    figure = gate_plot(found, verdict, "churn version 2 beside version 1")
    above, below = figure.axes

    assert above.get_xlabel() == "the candidate earns more than production, EUR per customer"
    assert {line.get_label() for line in below.get_lines()} >= {"candidate", "production", "campaign: 20%"}
    candidate, production = (np.asarray(line.get_ydata(), np.float64) for line in below.get_lines()[:2])
    assert np.isclose(candidate[-1], production[-1]), "whoever contacts all earns the same"
    assert candidate[80] > production[80]
    figure.savefig(written := BytesIO())
    assert written.tell() > 5_000


def test_with_nothing_in_production_there_is_one_campaign() -> None:
    found = evidence(with_production=False)

    (axes,) = gate_plot(found, judge(found, Gate()), "churn version 1").axes

    assert axes.get_ylabel() == "EUR per customer"
    assert "production" not in {line.get_label() for line in axes.get_lines()}
