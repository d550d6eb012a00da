"""What is known of staying in words, for the report and the model card."""

from collections.abc import Iterator

from churn.retention.months import MonthsModel
from churn.retention.survival_study import SurvivalStudy

MARKS = (6, 12, 24, 48)
"""Months of the table."""


def as_markdown(study: SurvivalStudy) -> str:
    """Write the study as Markdown: the curve's marks, how well staying is foretold, and what can't be told."""
    return (
        "\n".join([*_curve(study), "", study.why, "", f"Columns: {_columns(study.model)}.", "", *_warnings(study)])
        + "\n"
    )


def _curve(study: SurvivalStudy) -> Iterator[str]:
    yield "| months as a customer | still there (95 % interval) |"
    yield "|---:|---:|"
    for months in MARKS:
        if months <= study.overall.months[-1]:
            share, low, high = study.overall.at(months)
            yield f"| {months} | {share:.0%} ({low:.0%} to {high:.0%}) |"


def _columns(model: MonthsModel) -> str:
    return ", ".join(term.name for term in model.terms) or "none"


def _warnings(study: SurvivalStudy) -> Iterator[str]:
    yield study.caveat
    if not study.agrees:
        yield ""
        yield (
            f"**Use expected months with care**: by these curves {study.expected_to_leave:.1%} of the customers leave "
            f"in the next {study.horizon_days} days, and the target says that {study.observed_to_leave:.1%} left. Both "
            "can't be right; the customers may have been watched for a shorter time than was assumed."
        )
