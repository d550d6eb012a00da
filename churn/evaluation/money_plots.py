"""Pictures of a campaign: profit by size, profit by threshold, and what it hangs on. Money for a business user."""

from collections.abc import Callable

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from churn.evaluation.campaign import Campaign
from churn.evaluation.plots import CHANCE_COLOUR, MARK_COLOUR, MODEL_COLOUR, STYLE
from churn.evaluation.profit_curve import ProfitCurve
from churn.evaluation.scored import Scored
from churn.evaluation.sensitivity import Swing

TRIED = np.arange(1, 100) / 100


def money_plots(campaign: Campaign, scored: Scored) -> dict[str, Figure]:
    """Draw every picture of one campaign; figure per name, not yet saved.

    Args:
        campaign: from `plan_campaign`.
        scored: the customers that it was planned on.
    """
    draw: dict[str, Callable[[Axes], None]] = {
        "profit_by_size": lambda axes: _by_size(axes, campaign),
        "profit_by_threshold": lambda axes: _by_threshold(axes, campaign, scored),
        "profit_yardsticks": lambda axes: _yardsticks(axes, campaign),
        "profit_sensitivity": lambda axes: _sensitivity(axes, campaign),
    }
    return {name: _figure(how) for name, how in draw.items()}


def _figure(draw: Callable[[Axes], None]) -> Figure:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 5), layout="constrained")
        draw(figure.subplots())
    return figure


def _per_customer(campaign: Campaign) -> str:
    return f"{campaign.economics.currency} per customer of the table"


def _by_size(axes: Axes, campaign: Campaign) -> None:
    curve, ways = campaign.by_profit, {way.name: way for way in campaign.yardsticks}
    riskiest = campaign.by_probability
    axes.fill_between(
        curve.shares,
        curve.low,
        curve.high,
        color=MODEL_COLOUR,
        alpha=0.12,
        linewidth=0,
        label="95 %: customers, offer success",
    )
    axes.plot(curve.shares, curve.profit, color=MODEL_COLOUR, label="highest expected profit first")
    axes.plot(riskiest.shares, riskiest.profit, color=MODEL_COLOUR, linestyle=":", label="riskiest first")
    axes.plot([0, 1], [0, curve.profit[-1]], color=CHANCE_COLOUR, linestyle="--", label="random order")
    axes.axhline(ways["oracle"].profit, color=CHANCE_COLOUR, linestyle="-.", label="oracle: knows who leaves")
    axes.axhline(0, color="black", linewidth=0.8)
    _mark_best(axes, curve)
    axes.plot(
        1, curve.profit[-1], "s", color=CHANCE_COLOUR, label=f"contact all: {curve.profit[-1]:,.2f}", clip_on=False
    )
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set(
        title="How many customers to contact", xlabel="share of customers contacted", ylabel=_per_customer(campaign)
    )
    axes.legend(frameon=False, fontsize=9, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.13))


def _mark_best(axes: Axes, curve: ProfitCurve) -> None:
    label = f"best size {curve.best_share:.0%}: {curve.best_profit:,.2f}"
    axes.plot(curve.best_share, curve.best_profit, "o", color=MARK_COLOUR, label=label)


def _by_threshold(axes: Axes, campaign: Campaign, scored: Scored) -> None:
    best, share = campaign.best, campaign.economics.offer_success.mean
    slope, offset = scored.earnings(campaign.economics)
    profit = [((share * slope + offset) * (scored.probability >= tried)).mean() for tried in TRIED]
    axes.axvspan(
        best.low, best.high, color=MARK_COLOUR, alpha=0.12, linewidth=0, label="best according to outcomes, 95 %"
    )
    axes.plot(TRIED, profit, color=MODEL_COLOUR, label="realised profit")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.axvline(campaign.threshold, color=MARK_COLOUR, label=f"threshold {campaign.threshold:.3f}")
    if campaign.threshold != best.value:
        axes.axvline(best.value, color=MARK_COLOUR, linestyle=":", label=f"highest profit at {best.value:.3f}")
    axes.set(title="From which probability to contact", xlabel="threshold", ylabel=_per_customer(campaign))
    axes.legend(frameon=False, fontsize=9, loc="upper right")


def _yardsticks(axes: Axes, campaign: Campaign) -> None:
    ways = campaign.yardsticks[::-1]
    places = np.arange(len(ways))
    profit, low, high = (np.array([getattr(way, name) for way in ways]) for name in ("profit", "low", "high"))
    colours = [MODEL_COLOUR if way.name.startswith("the model") else CHANCE_COLOUR for way in ways]
    axes.barh(places, profit, color=colours, height=0.6)
    axes.errorbar(
        profit, places, xerr=[profit - low, high - profit], fmt="none", ecolor="black", capsize=3, linewidth=1
    )
    for place, way in zip(places, ways, strict=True):
        axes.annotate(f"{way.profit:,.2f}", (way.high, place), (5, 0), textcoords="offset points", va="center")
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(places, [f"{way.name}\n({way.contacted:.0%} of customers)" for way in ways], fontsize=9)
    axes.margins(x=0.12)
    axes.grid(visible=False, axis="y")
    axes.set(title="What each way to choose earns", xlabel=f"{_per_customer(campaign)}, with 95 % interval")


def _sensitivity(axes: Axes, campaign: Campaign) -> None:
    swings, planned = campaign.sensitivity[::-1], campaign.yardsticks[0].profit
    places = np.arange(len(swings))
    for moved, colour, label in (("at_half", CHANCE_COLOUR, "half"), ("at_more", MODEL_COLOUR, "half as much again")):
        profit = np.array([getattr(swing, moved) for swing in swings])
        axes.barh(places, profit - planned, left=planned, color=colour, height=0.6, label=f"if it were {label}")
        _label_ends(axes, profit, planned)
    axes.axvline(planned, color=MARK_COLOUR, label=f"as assumed: {planned:,.2f}")
    axes.set_yticks(places, [_assumed(campaign, swing) for swing in swings], fontsize=9)
    axes.margins(x=0.15)
    axes.grid(visible=False, axis="y")
    axes.set(title="What the campaign's profit hangs on", xlabel=_per_customer(campaign))
    axes.legend(frameon=False, fontsize=9, loc="lower right")


def _label_ends(axes: Axes, profit: np.ndarray, planned: float) -> None:
    for place, end in enumerate(profit):
        offset, side = ((5, "left"), (-5, "right"))[int(end < planned)]
        axes.annotate(f"{end:,.2f}", (end, place), (offset, 0), textcoords="offset points", va="center", ha=side)


def _assumed(campaign: Campaign, swing: Swing) -> str:
    costs = campaign.economics
    known = {
        "offer success": f"{costs.offer_success.mean:.0%}",
        "offer cost": f"{costs.offer_cost:g} {costs.currency}",
        "contact cost": f"{costs.contact_cost:g} {costs.currency}",
    }
    return f"{swing.name}\n({known[swing.name]})" if swing.name in known else swing.name
