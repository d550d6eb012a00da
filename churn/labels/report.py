"""What a labelling found, for people: Markdown, and the study's rows as a table."""

from collections import Counter
from collections.abc import Iterator

import pandas as pd

from churn.contract.contract import Contract
from churn.contract.proxy import Inactivity, Usage
from churn.labels.events import date_of
from churn.labels.labelling import Labelling
from churn.labels.study import LabelStudy
from churn.labels.usage_study import UsageRow, usage_markdown

LISTED_DATES = 40
Study = LabelStudy | tuple[UsageRow, ...] | str | None
"""Of a log, of a usage table, or why there is none."""


def study_table(study: LabelStudy) -> pd.DataFrame:
    """Return one row per lead and horizon; agreement has columns of its own where there are true labels."""
    rows = [
        {
            "lead_days": row.lead_days,
            "horizon_days": row.horizon_days,
            "customers": row.customers,
            "base_rate": row.base_rate,
            "returned": row.returned,
            "returned_low": row.returned_low,
            "returned_high": row.returned_high,
            **(
                {
                    "with_truth": row.agreement.customers,
                    "kappa": row.agreement.kappa,
                    "precision": row.agreement.precision,
                    "recall": row.agreement.recall,
                }
                if row.agreement
                else {}
            ),
        }
        for row in study.rows
    ]
    return pd.DataFrame(rows)


def as_markdown(contract: Contract, found: Labelling, study: Study) -> str:
    """Write the report; a study that could not be made is a sentence that says why."""
    parts = [f"# Labels of {contract.name}", _rule(contract), *found.remarks, *_set_aside(found), _moments(found)]
    if found.events is not None:
        parts.append(
            "Each date was audited: with the events after it removed, and with them scrambled, no feature changed."
        )
    return "\n\n".join([*parts, *_study(study)]) + "\n"


def _rule(contract: Contract) -> str:
    match contract.target.proxy:
        case Inactivity() as proxy:
            lead = f", beginning {proxy.lead_days} days after the observation date" if proxy.lead_days else ""
            return f"A customer left when nothing happened for {proxy.horizon_days} days{lead}."
        case Usage() as proxy:
            low = [f"{name} is at most {most:g}" for name, most in proxy.low_activity.items()]
            quiet = [f"{name} is at least {least:g}" for name, least in proxy.inactivity.items()]
            return f"A customer left when {' and '.join([*low, *quiet])}."
        case None:
            return f"The column {contract.target.column!r} says who left."


def _set_aside(found: Labelling) -> Iterator[str]:
    if not found.bad_rows:
        yield f"All {found.rows_read:,} lines could be read."
        return
    why = Counter(reason for _, reason in found.bad_rows).most_common(5)
    listed = "\n".join(f"- {reason}: {count:,}" for reason, count in why)
    yield f"{len(found.bad_rows):,} of {found.rows_read:,} lines were set aside:\n\n{listed}"


def _moments(found: Labelling) -> str:
    lines = ["| date | customers | left | base rate | not eligible |", "|---|---:|---:|---:|---|"]
    for one in found.moments[:LISTED_DATES]:
        left = "not known yet | " if one.left is None else f"{one.left:,} | {one.left / max(one.customers, 1):.2%}"
        reasons = "; ".join(f"{why}: {count:,}" for why, count in one.not_eligible.items())
        lines.append(f"| {one.on or 'now'} | {one.customers:,} | {left} | {reasons} |")
    if len(found.moments) > LISTED_DATES:
        lines.append(f"| … {len(found.moments) - LISTED_DATES} more | | | | |")
    return "\n".join(lines)


def _study(study: Study) -> Iterator[str]:
    if study is None:
        return
    yield "## Would another bound be better?" if isinstance(study, tuple) else "## Would another horizon be better?"
    if isinstance(study, str):
        yield study
        return
    if isinstance(study, tuple):
        yield "The bounds of inactivity, times the factor; how many of those come back takes an event log to know."
        yield usage_markdown(study)
        return
    yield f"**{study.recommended_days} days** are recommended: {study.reason}. The contract says {study.horizon_days}."
    yield (
        f"The same customers of {date_of(study.day)}, each horizon followed for {study.follow_up_days} more days. "
        "`returned` is the share of those who count as having left that had an event in the follow-up, with its 95 % "
        "interval."
    )
    yield _study_lines(study)
    if study.left_out:
        listed = ", ".join(map(str, study.left_out))
        yield f"Not studied, because the log is too short for them: {listed} days."


def _study_lines(study: LabelStudy) -> str:
    has_truth = any(row.agreement for row in study.rows)
    lines = [
        "| lead | horizon | base rate | returned |" + (" kappa | precision | recall |" if has_truth else ""),
        "|---:|---:|---:|---:|" + ("---:|---:|---:|" if has_truth else ""),
    ]
    for row in study.rows:
        cells = [
            f"{row.lead_days} days",
            f"{row.horizon_days} days",
            f"{row.base_rate:.2%}",
            f"{row.returned:.1%} ({row.returned_low:.1%} – {row.returned_high:.1%})"
            if row.base_rate
            else "nobody left",
        ]
        if row.agreement:
            cells += [f"{value:.2f}" for value in (row.agreement.kappa, row.agreement.precision, row.agreement.recall)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
