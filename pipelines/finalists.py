"""The table of finalists: every candidate with the best parameters found, the baseline among them."""

from collections.abc import Iterator

from pipelines.development import Developed, Finalist

SHOWN = ("roc_auc", "pr_auc", "brier", "calibration_slope", "lift_at_10_percent", "recall", "precision")


def finalists_table(developed: Developed) -> dict[str, list[object]]:
    """Return the finalists as columns, the chosen one first."""
    ranked = _ranked(developed)
    columns: dict[str, list[object]] = {"candidate": [one.candidate.name for one in ranked]}
    for name in SHOWN:
        columns[name] = [one.estimates[name].value for one in ranked]
        columns[f"{name}_low"] = [one.estimates[name].low for one in ranked]
        columns[f"{name}_high"] = [one.estimates[name].high for one in ranked]
    columns["gain_per_customer"] = [float(one.gain.mean()) for one in ranked]
    columns["milliseconds"] = [one.milliseconds for one in ranked]
    columns["problems"] = ["; ".join(one.problems) for one in ranked]
    return columns


def finalists_markdown(developed: Developed) -> str:
    """Return the finalists as Markdown, with the reason of the choice."""
    return "\n".join([f"**{developed.choice.name}**: {developed.choice.reason}\n", *_rows(developed)]) + "\n"


def _rows(developed: Developed) -> Iterator[str]:
    yield "| candidate | ROC-AUC | PR-AUC | Brier | slope | lift 10 % | gain per customer | ms a row | |"
    yield "|---|---|---|---|---|---|--:|--:|---|"
    for one in _ranked(developed):
        cells = [_cell(one, name) for name in SHOWN[:5]]
        speed, problems = f"{one.milliseconds:.3f}", "; ".join(one.problems)
        yield f"| {one.candidate.name} | {' | '.join(cells)} | {one.gain.mean():.4g} | {speed} | {problems} |"


def _cell(one: Finalist, name: str) -> str:
    found = one.estimates[name]
    return f"{found.value:.3f} ({found.low:.3f} – {found.high:.3f})"


def _ranked(developed: Developed) -> list[Finalist]:
    others = [one for name, one in developed.finalists.items() if name != developed.choice.name]
    return [developed.best, *sorted(others, key=lambda one: -one.estimates["roc_auc"].value)]
