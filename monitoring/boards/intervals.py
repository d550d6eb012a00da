"""Measures of performance with their intervals, as queries."""

Queries = tuple[tuple[str, str], ...]


def measured(measure: str) -> Queries:
    """Ask for a measure of the chosen version with its interval, observed and estimated."""
    return tuple(
        (f'max(churn_performance_{what}{{version="$version",measure="{measure}",source="{source}"}})', legend)
        for source in ("observed", "estimated")
        for what, legend in (("value", source), ("low", f"{source} low"), ("high", f"{source} high"))
    )
