"""The page of the metric catalogue."""

from churn.metrics import CATALOGUE, LABELS, Metric
from monitoring.catalogue_page import FILE, page


def test_the_committed_page_is_the_generated_one() -> None:
    assert FILE.read_text("utf-8") == page(), "write it anew: python -m monitoring.catalogue_page"


def test_every_metric_and_every_label_has_a_row() -> None:
    text = page()

    for metric in CATALOGUE:
        assert f"| `{metric.name}{'_total' if metric.kind == 'counter' else ''}` | {metric.kind} |" in text
    for label in LABELS:
        assert f"| `{label}` |" in text


def test_a_row_says_what_the_metric_is_and_which_boards_use_it() -> None:
    requests = Metric("churn_http_requests", "counter", "Requests answered.", ("door", "route"), ("door",))

    (row,) = [line for line in page([requests]).splitlines() if line.startswith("| `churn_")]

    assert row.startswith("| `churn_http_requests_total` | counter | `door`, `route` | Requests answered. | ")
    assert "Service" in row
    assert row.endswith("rules |")


def test_what_nobody_uses_is_used_by_nobody() -> None:
    unknown = Metric("churn_http", "gauge", "Only a part of other names.")

    assert "| `churn_http` | gauge |  | Only a part of other names. |  |" in page([unknown])
