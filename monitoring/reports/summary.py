"""Summary: how things stand, as Markdown for people and for the log of a CI job."""

from collections.abc import Iterator

from monitoring.reports.figures import FIRST, figures_of, said
from monitoring.reports.standing import Standing


def markdown(now: Standing) -> str:
    """Return the summary. Texts from stores are one line each, and nothing in them is taken for markup."""
    return "\n".join(_lines(now)) + "\n"


def _lines(now: Standing) -> Iterator[str]:
    yield f"# {inline(now.model)}: how things stand"
    yield ""
    yield f"{now.made_at[:16].replace('T', ' ')} UTC"
    yield ""
    yield from (f"- **look at this:** {inline(one)}" for one in now.problems)
    yield f"- production: {_production(now)}"
    yield f"- customers: {_customers(now)}"
    yield f"- drift: {_drift(now)}"
    yield f"- performance: {_performance(now)}"
    yield from _figures(now)
    yield f"- retrain: {_decision(now)}"
    yield from (f"- alerts: {one}" for one in _alerts(now))
    yield ""
    yield from _stages(now)


def inline(text: str) -> str:
    """Return a text as one line that Markdown shows as it is."""
    return "".join(f"\\{one}" if one in "\\`*_[]<>|#&!" else one for one in " ".join(text.split()))


def _production(now: Standing) -> str:
    move = now.production
    if move is None or move.to_version is None:
        return "nothing"
    why = f": {inline(move.reason)}" if move.reason else ""
    return f"version {move.to_version} since {_moment(move.at)}, {move.action} by {inline(move.actor)}{why}"


def _customers(now: Standing) -> str:
    if not now.customers:
        return "none predicted within 30 days"
    levels = ", ".join(f"{count:,} {inline(level)}" for level, count in now.risk_levels.items())
    money = f"revenue at risk {now.expected_loss:,.0f}, expected profit of contacting {now.expected_profit:,.0f}"
    return f"{now.customers:,} predicted within 30 days ({levels}); {money}"


def _drift(now: Standing) -> str:
    if not now.drift:
        return "not measured yet"
    run = now.drift[0]
    words = run.words or f"{run.rows:,} customers of version {run.model_version}"
    return f"{inline(run.status)}, {_moment(run.at)}: {inline(words)}"


def _performance(now: Standing) -> str:
    if now.look is None:
        return "not measured yet"
    run = now.look[0]
    known = f"{run.labelled:,} outcomes of {run.predictions:,} customers of version {run.model_version}"
    return f"{inline(run.status)}, {known}, {_moment(run.at)} ({inline(run.words)})"


def _figures(now: Standing) -> Iterator[str]:
    for one in figures_of(now.look[1] if now.look else ()):
        if one.name in FIRST:
            beside = f"; estimated {said(one.estimated)}; held out {said(one.reference)}"
            yield f"  - {inline(one.name)}: {said(one.observed)}{beside}"


def _decision(now: Standing) -> str:
    if not now.decisions:
        return "no decision yet"
    newest = now.decisions[0]
    outcome = f"; {inline(newest.outcome)}" if newest.outcome else ""
    return f"{newest.decision}, {_moment(newest.at)}: {inline('; '.join(newest.reasons))}{outcome}"


def _alerts(now: Standing) -> Iterator[str]:
    if now.alerts is None or now.alerts.problem:
        return
    if not now.alerts.found:
        yield "none"
    for one in now.alerts.found:
        yield f"{one.state}, {inline(one.severity)}: {inline(one.name)}, {inline(one.summary)}"


def _stages(now: Standing) -> Iterator[str]:
    if now.stages:
        yield "| stage | began | ended | what came of it |"
        yield "|---|---|---|---|"
    for stage, run in now.stages.items():
        yield f"| {inline(stage)} | {_moment(run.started_at)} | {inline(run.status)} | {inline(run.words)} |"


def _moment(text: str) -> str:
    return text[:16].replace("T", " ")
