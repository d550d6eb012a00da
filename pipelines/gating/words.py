"""A verdict for people: the decision first, then the money and how many labels more would tell, then each guard."""

from collections.abc import Iterator

from churn.evaluation.gate import Verdict
from churn.evaluation.gate.words import profit_words

SAID = {
    "promote": "PROMOTE: it may take production's place",
    "hold": "HOLD: the evidence is not enough yet",
    "reject": "REJECT: it may not take production's place",
}
MARKS = {"passed": "ok", "failed": "FAILED", "undecided": "unclear"}


def lines_of(verdict: Verdict) -> list[str]:
    """Return a verdict in lines."""
    wide = max((len(one.name) for one in verdict.guards), default=0)
    guards = (f"  {MARKS[one.outcome]:<8}{one.name:<{wide}}  {one.words}" for one in verdict.guards)
    return [SAID[verdict.decision], *(f"- {reason}" for reason in _reasons(verdict)), *guards]


def markdown_of(verdict: Verdict, title: str) -> str:
    """Return a verdict as a page."""
    reasons = "".join(f"- {reason}\n" for reason in _reasons(verdict))
    rows = "".join(f"| {one.name} | {MARKS[one.outcome]} | {_cell(one.words)} |\n" for one in verdict.guards)
    table = f"| guard | | what was found |\n|---|---|---|\n{rows}" if rows else ""
    return "\n".join(filter(None, (f"# {title}\n", f"**{SAID[verdict.decision]}.**\n", reasons, table)))


def _reasons(verdict: Verdict) -> Iterator[str]:
    """The reasons, and the money where they don't tell it: a rejected version may earn more all the same."""
    yield from verdict.reasons
    if verdict.profit is not None and not any(profit_words(verdict.profit) in one for one in verdict.reasons):
        yield profit_words(verdict.profit)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
