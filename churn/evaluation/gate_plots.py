"""The picture of a verdict: what the candidate earns more than production, and both campaigns by their size."""

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from churn.evaluation.gate import Contender, Evidence, ProfitTest, Verdict
from churn.evaluation.plots import CHANCE_COLOUR, MARK_COLOUR, MODEL_COLOUR, STYLE

SAID = {"promote": "promote", "hold": "hold: not enough evidence yet", "reject": "reject"}


def gate_plot(evidence: Evidence, verdict: Verdict, title: str) -> Figure:
    """Draw a verdict; without production only the candidate's campaign. Not yet saved."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 5.6), layout="constrained")
        figure.suptitle(f"{title}: {SAID[verdict.decision]}")
        if verdict.profit is None:
            _campaigns(figure.subplots(), evidence, verdict)
            return figure
        above, below = figure.subplots(2, 1, height_ratios=[1, 3.2])
        _interval(above, verdict.profit)
        _campaigns(below, evidence, verdict)
    return figure


def _interval(axes: Axes, test: ProfitTest) -> None:
    axes.axvline(0, color="black", linewidth=0.8)
    axes.axvline(test.worth, color=CHANCE_COLOUR, linestyle=":", label=f"worth a move: {test.worth:+.2f}")
    sides = [[test.difference - test.low], [test.high - test.difference]]
    axes.errorbar([test.difference], [0], xerr=sides, fmt="o", color=MODEL_COLOUR, capsize=4, label="95 % interval")
    axes.annotate(f"{test.difference:+.2f}", (test.difference, 0), (0, 8), textcoords="offset points", ha="center")
    axes.set_yticks([])
    axes.set_ylim(-1, 1)
    axes.margins(x=0.15)
    axes.grid(visible=False, axis="y")
    axes.set(xlabel=f"the candidate earns more than production, {test.currency} per customer")
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _campaigns(axes: Axes, evidence: Evidence, verdict: Verdict) -> None:
    sides = [("candidate", evidence.candidate, MODEL_COLOUR, "-")]
    if evidence.production is not None:
        sides.append(("production", evidence.production, MARK_COLOUR, "--"))
    for name, contender, colour, line in sides:
        share, profit = _curve(contender, evidence.rows.earned)
        axes.plot(share, profit, color=colour, linestyle=line, label=name)
    if verdict.profit is not None and verdict.profit.campaign_share is not None:
        size = verdict.profit.campaign_share
        axes.axvline(size, color=CHANCE_COLOUR, linestyle=":", label=f"campaign: {size:.0%}")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set(
        xlabel="share of customers contacted, most promising first", ylabel=f"{evidence.rows.currency} per customer"
    )
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _curve(contender: Contender, earned: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return share contacted and profit per customer of the table after each customer, shape (rows + 1,)."""
    order = np.argsort(-contender.promised, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(earned[order])]) / len(earned)
    return np.arange(len(earned) + 1) / len(earned), total
