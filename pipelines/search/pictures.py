"""Pictures and the table of a study, as artifacts of the run that is active: PNG to look at, one HTML page to ask."""

import warnings
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import cycle
from typing import Any

import matplotlib as mpl
import mlflow
import numpy as np
import optuna
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from churn.evaluation.plots import CHANCE_COLOUR, MARK_COLOUR, MODEL_COLOUR, STYLE
from pipelines.search.sampling import quiet
from pipelines.search.tickets import CANDIDATE, WORKER, best_of, candidate_of, error_of, finished_of

FOLDER = "search"
COLOURS = (MODEL_COLOUR, MARK_COLOUR, "#5b8c3a", "#8a5aa8", "#c79a1b", "#3f9c9c", "#b0527d")
FEWEST_TRIALS = 5
"""Importance and slices of fewer trials than this show nothing but chance."""

SHOWN_PARAMETERS = 8


def log_pictures(study: optuna.Study, *, seed: int) -> None:
    """Log every picture, the page and the table of a finished study."""
    trials = finished_of(study.get_trials(deepcopy=False))
    mlflow.log_text(table(trials).to_csv(index=False), f"{FOLDER}/trials.csv")
    for name, figure in figures(study, trials, seed=seed).items():
        mlflow.log_figure(figure, f"{FOLDER}/{name}.png")
    mlflow.log_text(page(study, trials), f"{FOLDER}/study.html")


def table(trials: Sequence[FrozenTrial]) -> pd.DataFrame:
    """Return one row per trial, with its parameters under the names that the study has for them."""
    return pd.DataFrame(
        {
            "trial": one.number,
            "candidate": candidate_of(one),
            "state": one.state.name.lower(),
            "roc_auc": one.value if one.state is TrialState.COMPLETE else None,
            "folds": len(one.intermediate_values),
            "seconds": one.duration.total_seconds() if one.duration else None,
            "worker": one.user_attrs.get(WORKER),
            "error": error_of(one),
            **{name: value for name, value in one.params.items() if name != CANDIDATE},
        }
        for one in trials
    )


def figures(study: optuna.Study, trials: Sequence[FrozenTrial], *, seed: int) -> dict[str, Figure]:
    """Draw what can be drawn of these trials; figure per name, not yet saved."""
    found = {"history": _drawn(lambda axes: _history(axes, trials)), "timeline": _drawn(lambda a: _timeline(a, trials))}
    best = _best_candidate(trials)
    if best and (shares := importances(study, best, seed=seed)):
        found["importance"] = _drawn(lambda axes: _importance(axes, best, shares))
        found["slices"] = _slices(best, [one for one in _complete(trials) if candidate_of(one) == best], [*shares])
    return found


def importances(study: optuna.Study, candidate: str, *, seed: int) -> dict[str, float]:
    """Return each parameter's share of the differences between a candidate's complete trials; empty: too few."""
    own = [one for one in _complete(study.get_trials(deepcopy=False)) if candidate_of(one) == candidate]
    names = set.intersection(*(set(one.params) for one in own)) - {CANDIDATE} if own else set()
    names = {name for name in names if len({one.params[name] for one in own}) > 1}
    if len(own) < FEWEST_TRIALS or not names or len({one.value for one in own}) < 2:
        return {}
    with quiet():
        return get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=seed), params=sorted(names))


def page(study: optuna.Study, trials: Sequence[FrozenTrial]) -> str:
    """Return Optuna's own interactive pictures as one HTML page that needs no network."""
    parts = [_html(one, is_first=number == 0) for number, one in enumerate(_interactive(study, trials))]
    head = "<!doctype html><html lang=en><meta charset=utf-8><title>Search</title><body>"
    return head + "".join(parts) + "</body></html>"


def _interactive(study: optuna.Study, trials: Sequence[FrozenTrial]) -> list[Any]:
    from optuna import visualization  # noqa: PLC0415  plotly takes a second

    with quiet():
        found = [visualization.plot_optimization_history(study), visualization.plot_timeline(study)]
        best = _best_candidate(trials)
        own = [one for one in _complete(trials) if candidate_of(one) == best]
        if best and (names := sorted({name for one in own for name in one.params} - {CANDIDATE})):
            found.append(visualization.plot_slice(study, params=names))
            found.append(visualization.plot_parallel_coordinate(study, params=names))
    return found


def _html(figure: Any, *, is_first: bool) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # plotly's own
        return str(figure.to_html(full_html=False, include_plotlyjs=is_first))


def _drawn(draw: Callable[[Axes], None]) -> Figure:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7, 4.5), layout="constrained")
        draw(figure.subplots())
    return figure


def _complete(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    return [one for one in trials if one.state is TrialState.COMPLETE]


def _best_candidate(trials: Sequence[FrozenTrial]) -> str:
    best = best_of(trials)
    return candidate_of(best) if best else ""


def _values(trials: Sequence[FrozenTrial]) -> np.ndarray:
    return np.array([one.value for one in trials], np.float64)


def _coloured(trials: Sequence[FrozenTrial]) -> list[tuple[str, str]]:
    return list(zip(sorted({candidate_of(one) for one in trials} - {""}), cycle(COLOURS), strict=False))


def _history(axes: Axes, trials: Sequence[FrozenTrial]) -> None:
    """Values far below the others would press them into one line: the axis begins near the worst third."""
    complete = sorted(_complete(trials), key=lambda one: one.number)
    for name, colour in _coloured(complete):
        own = [one for one in complete if candidate_of(one) == name]
        axes.plot([one.number + 1 for one in own], _values(own), "o", color=colour, label=name, alpha=0.8)
    if complete:
        values = _values(complete)
        numbers = [one.number + 1 for one in complete]
        axes.step(numbers, np.maximum.accumulate(values), where="post", color=CHANCE_COLOUR, label="best so far")
        reach = values.max() - np.quantile(values, 0.2)
        axes.set_ylim(
            max(values.min(), values.max() - 2 * reach) - 0.1 * reach - 1e-4, values.max() + 0.1 * reach + 1e-4
        )
    axes.set(title="What the search found", xlabel="trial", ylabel="mean ROC-AUC over the folds")
    axes.legend(frameon=False, loc="lower right")


def _timeline(axes: Axes, trials: Sequence[FrozenTrial]) -> None:
    """One line per process; pruned trials are pale, failed ones crossed."""
    workers = {name: line for line, name in enumerate(sorted({str(one.user_attrs.get(WORKER)) for one in trials}))}
    colours = dict(_coloured(trials))
    began = min(_seconds(one.datetime_start) for one in trials)
    for one in trials:
        axes.barh(
            workers[str(one.user_attrs.get(WORKER))],
            (_seconds(one.datetime_complete) - _seconds(one.datetime_start)) / 60,
            left=(_seconds(one.datetime_start) - began) / 60,
            height=0.6,
            color=colours.get(candidate_of(one), CHANCE_COLOUR),
            alpha=1.0 if one.state is TrialState.COMPLETE else 0.4,
            hatch="xx" if one.state is TrialState.FAIL else None,
            edgecolor="white",
            linewidth=0.5,
        )
    for name, colour in colours.items():
        axes.barh(0, 0, color=colour, label=name)
    axes.set_yticks(range(len(workers)), [f"process {line + 1}" for line in range(len(workers))])
    axes.set(title="Who tried what, and when (pale: given up early; crossed: failed)", xlabel="minutes")
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=4)


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0


def _importance(axes: Axes, candidate: str, shares: dict[str, float]) -> None:
    shown = list(shares.items())[:SHOWN_PARAMETERS][::-1]
    bars = axes.barh([_own(name) for name, _ in shown], [share for _, share in shown], color=MODEL_COLOUR)
    axes.bar_label(bars, fmt="{:.0%}", padding=3)
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.set(title=f"Which parameters of {candidate} mattered (fANOVA)", xlabel="share of the differences in ROC-AUC")


def _slices(candidate: str, trials: Sequence[FrozenTrial], names: Sequence[str]) -> Figure:
    """Draw ROC-AUC over each parameter of one candidate, the most important first."""
    shown = list(names)[:SHOWN_PARAMETERS]
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3 * columns + 1, 2.8 * rows + 0.6), layout="constrained")
        grid = np.atleast_1d(figure.subplots(rows, columns, sharey=True)).ravel()
        for axes, name in zip(grid, shown, strict=False):
            _slice(axes, trials, name)
        for axes in grid[len(shown) :]:
            axes.set_visible(False)
        for axes in grid[::columns]:
            axes.set_ylabel("mean ROC-AUC")
        figure.suptitle(f"ROC-AUC of {candidate} over its parameters")
    return figure


def _slice(axes: Axes, trials: Sequence[FrozenTrial], name: str) -> None:
    values, best = [one.params[name] for one in trials], max(trials, key=lambda one: one.value or 0.0)
    axes.plot(values, _values(trials), "o", color=MODEL_COLOUR, alpha=0.7)
    axes.plot([best.params[name]], _values([best]), "o", color=MARK_COLOUR)
    if getattr(best.distributions[name], "log", False):
        axes.set_xscale("log")
    axes.set_xlabel(_own(name))


def _own(name: str) -> str:
    return name.partition(".")[2]
