"""The card: each table's measures as Markdown, goals beside them; without a passed audit no score at all."""

from collections import Counter
from collections.abc import Iterator

from benchmarks.science.figures import GAIN, SHOWN, STACK, TELCO_GOALS, Duel, duels, figures
from benchmarks.science.measured import CHOSEN, Measured
from churn.contract.contract import Contract
from churn.evaluation.audit import Audit
from churn.evaluation.comparison import Comparison
from churn.evaluation.intervals import Estimate

TELCO = "telco"
WIDEST = 10.0
"""An interval that is wider says nothing: the slope of probabilities that are 0 and 1, or nearly all the same."""

Figures = dict[str, dict[str, Estimate]]
"""Estimates per contender and measure."""


def markdown(measured: Measured) -> str:
    """Return the part of the card about one table."""
    return "\n".join(_lines(measured)) + "\n"


def _lines(measured: Measured) -> Iterator[str]:
    table, customers = measured.table, measured.customers
    yield f"### {table.title}\n"
    if table.words:
        yield f"{table.words}\n"
    yield f"{len(customers.labels):,} customers, {customers.labels.mean():.2%} left{_published(measured)}.\n"
    if not measured.audit.passed:
        yield from refusal(measured.audit)
        return
    yield f"The leakage audit passed ({', '.join(measured.audit.checks)}).{_set_aside(table.contract)}\n"
    found = {one.name: figures(customers, one) for one in measured.contenders}
    if table.contract.name == TELCO:
        yield from _goals(found)
    yield from _contenders(measured, found)
    yield from _duels(measured)


def refusal(audit: Audit) -> Iterator[str]:
    """Say which columns were refused, and why; every refusing finding of a column in one line."""
    yield "**The leakage audit refused this table: nothing is scored.**\n"
    yield "| refused | why |"
    yield "|---|---|"
    reasons: dict[str, list[str]] = {}
    for finding in audit.refusals:
        reasons.setdefault(finding.column or finding.check, []).append(finding.text)
    for name, texts in reasons.items():
        yield f"| {name} | {'; '.join(dict.fromkeys(texts)).replace('|', '/')} |"
    yield ""


def _published(measured: Measured) -> str:
    published = measured.table.published_base_rate
    if published is None:
        return ""
    return (
        f" (published: {published:.2%}, {verdict(is_reached=round(measured.customers.labels.mean(), 4) == published)})"
    )


def _set_aside(contract: Contract) -> str:
    return f" Not used, under `leaking:`: {', '.join(contract.leaking)}." if contract.leaking else ""


def _goals(found: Figures) -> Iterator[str]:
    yield "| to reach | goal | what it chose | | the stack | |"
    yield "|---|---|---|---|---|---|"
    for goal in TELCO_GOALS:
        cells = [
            f"{_cell(goal.measure, one)} | {verdict(is_reached=goal.is_reached(one.value))}"
            for one in _two(found, goal.measure)
        ]
        yield f"| {SHOWN[goal.measure]} | {goal.words} | {' | '.join(cells)} |"
    yield ""


def _two(found: Figures, measure: str) -> Iterator[Estimate]:
    for name in (CHOSEN, STACK):
        if name in found:
            yield found[name][measure]


def _contenders(measured: Measured, found: Figures) -> Iterator[str]:
    repeats, folds = len(measured.folds), len(measured.folds[0])
    yield f"{folds} outer folds, {repeats} time(s). Chosen: {_counted(measured.chosen)}.\n"
    yield f"| | {' | '.join(SHOWN.values())} | s a fold |"
    yield f"|---|{'---|' * len(SHOWN)}--:|"
    for one in measured.contenders:
        cells = " | ".join(_cell(name, found[one.name][name]) for name in SHOWN)
        yield f"| {one.name} | {cells} | {'' if one.seconds is None else f'{one.seconds:.1f}'} |"
    yield ""


def _counted(chosen: tuple[str, ...]) -> str:
    return ", ".join(f"{name} {times} ×" for name, times in Counter(chosen).most_common())


def _duels(measured: Measured) -> Iterator[str]:
    yield "| ahead by | of | ROC-AUC, these scores | ROC-AUC, the way of training | PR-AUC | Brier |"
    yield "|---|---|---|---|---|---|"
    for duel in duels(measured):
        yield _duel(duel)
    yield ""


def _duel(duel: Duel) -> str:
    cells = [duel.of_scores["roc_auc"], duel.of_training, duel.of_scores["pr_auc"], duel.of_scores["brier"]]
    return f"| {duel.first} | {duel.second} | {' | '.join(map(_ahead, cells))} |"


def _ahead(one: Comparison) -> str:
    word = ("**better**" if one.is_better else "**worse**") if one.is_different else "no different"
    return f"{one.difference:+.4f} ({one.low:+.4f} – {one.high:+.4f}) {word}"


def _cell(measure: str, one: Estimate) -> str:
    digits = 4 if measure in {"roc_auc", "pr_auc", "brier"} else 3 if measure != GAIN else 2
    if one.high - one.low > WIDEST:
        return f"{one.value:.{digits}f} (anything)"
    return f"{one.value:.{digits}f} ({one.low:.{digits}f} – {one.high:.{digits}f})"


def verdict(*, is_reached: bool) -> str:
    return "reached" if is_reached else "**missed**"
