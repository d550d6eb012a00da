"""The test in money as a sentence for people."""

from churn.evaluation.gate.verdict import ProfitTest


def profit_words(test: ProfitTest) -> str:
    """Say what both campaigns earned, how sure the difference is, and what would make it surer."""
    return f"{_what_was_seen(test)}: {_what_it_means(test)}"


def _what_was_seen(test: ProfitTest) -> str:
    size = "a campaign" if test.campaign_share is None else f"a campaign to {test.campaign_share:.0%} of the customers"
    part = f", {_percent(test.difference, test)}" if test.production > 0 else ""
    return (
        f"{size} earns {test.candidate:.2f} {test.currency} per customer with the candidate, {test.production:.2f} "
        f"with production ({test.difference:+.2f}, 95 % interval {test.low:+.2f} to {test.high:+.2f}{part}; "
        f"{test.rows:,} labelled rows, {test.deciding:,} decide)"
    )


def _what_it_means(test: ProfitTest) -> str:
    if test.high < 0:
        return "surely less"
    if test.low > 0:
        return "surely more" if test.difference >= test.worth else _not_worth(test)
    if test.labels_needed is None:
        return _nothing_to_find(test)
    gain = max(test.difference, test.worth)
    seen = (
        "the gain that was seen" if test.difference >= test.worth else f"a gain of {gain:.2f}, the least worth a move,"
    )
    return (
        f"chance alone may explain it. About {_rounded(test.labels_needed):,} more labelled rows would show {seen} "
        "with a chance of 80 %"
    )


def _not_worth(test: ProfitTest) -> str:
    return f"surely more, and less than the {test.worth:.2f} that are worth a move; more labels would not change that"


def _nothing_to_find(test: ProfitTest) -> str:
    if not test.deciding:
        return "both contact the same customers, and no number of labels tells them apart"
    return f"no gain of {test.worth:.2f}, the least worth a move, is to be seen, and the rows are enough to show one"


def _percent(amount: float, test: ProfitTest) -> str:
    return f"{100 * amount / test.production:+.1f} %"


def _rounded(labels: int) -> int:
    """Two digits are as much as is known."""
    return int(float(f"{labels:.1e}"))
