"""The label study as a picture: base rate, return of those who left, and agreement, over the horizon."""

from collections.abc import Callable

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from churn.evaluation.plots import CHANCE_COLOUR, MARK_COLOUR, MODEL_COLOUR, STYLE
from churn.labels.study import LabelStudy, StudyRow

LINES = ("--", ":", "-.")
AGREEMENT = {"kappa": "-", "precision": "--", "recall": ":"}


def plot_study(study: LabelStudy) -> Figure:
    """Draw one panel per question, side by side; not yet saved."""
    panels: list[Callable[[Axes, LabelStudy], None]] = [_base_rate, _returned]
    if any(row.agreement for row in study.rows):
        panels.append(_agreement)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5 * len(panels), 4.2), layout="constrained")
        for axes, draw in zip(figure.subplots(1, len(panels)), panels, strict=True):
            draw(axes, study)
            axes.axvline(study.recommended_days, color=MARK_COLOUR, linewidth=1.2, label="recommended")
            if study.horizon_days != study.recommended_days:
                axes.axvline(study.horizon_days, color=CHANCE_COLOUR, linewidth=1.2, label="the contract's horizon")
            axes.set(xlabel="horizon: days of silence that count as having left", ylim=(0, None))
            axes.legend(edgecolor="none", framealpha=0.9, loc="upper right")
    return figure


def _own(study: LabelStudy) -> list[StudyRow]:
    return [row for row in study.rows if row.lead_days == study.lead_days]


def _base_rate(axes: Axes, study: LabelStudy) -> None:
    leads = sorted({row.lead_days for row in study.rows} - {study.lead_days})
    for lead, line in [(study.lead_days, "o-"), *zip(leads, LINES, strict=False)]:
        rows = [row for row in study.rows if row.lead_days == lead]
        is_own = lead == study.lead_days
        axes.plot(
            [row.horizon_days for row in rows],
            [row.base_rate for row in rows],
            line,
            color=MODEL_COLOUR if is_own else CHANCE_COLOUR,
            label=f"lead {lead} days" + (", the contract's" if is_own and leads else ""),
        )
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(title="Who counts as having left", ylabel="share of customers (base rate)")


def _returned(axes: Axes, study: LabelStudy) -> None:
    rows = _own(study)
    days = [row.horizon_days for row in rows]
    axes.fill_between(
        days,
        [row.returned_low for row in rows],
        [row.returned_high for row in rows],
        color=MODEL_COLOUR,
        alpha=0.2,
        linewidth=0,
        label="95 % interval",
    )
    axes.plot(days, [row.returned for row in rows], "o-", color=MODEL_COLOUR, label="came back")
    axes.axhline(
        study.returned_at_most, color=CHANCE_COLOUR, linestyle="--", label=f"stable below {study.returned_at_most:.0%}"
    )
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(title="Who of them comes back after all", ylabel=f"share back within {study.follow_up_days} days")


def _agreement(axes: Axes, study: LabelStudy) -> None:
    rows = [row for row in _own(study) if row.agreement]
    for name, line in AGREEMENT.items():
        heights = [getattr(row.agreement, name) for row in rows]
        axes.plot([row.horizon_days for row in rows], heights, line, marker="o", color=MODEL_COLOUR, label=name)
    axes.set(title="Agreement with the true labels", ylabel="kappa, precision, recall")
