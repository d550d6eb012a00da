"""Pages: templates become HTML; whatever text they are given stays text."""

from collections.abc import Mapping
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from monitoring.reports.figures import said

ABSENT = "–"


def index_page(facts: Mapping[str, object]) -> str:
    """Return the index."""
    return _environment().get_template("index.html").render(**facts)


def quality_page(text: str) -> str:
    """Return a quality report, written in Markdown, as a page. Column names are the customer's: no links, no HTML."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.disable(["link", "image", "autolink", "html_block", "html_inline"])
    body = Markup(reader.render(text))  # noqa: S704  markdown-it escapes all text, and makes no links here
    return _environment().get_template("quality.html").render(body=body)


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("monitoring.reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    found.filters |= {
        "moment": _moment,
        "count": _count,
        "share": _share,
        "money": _money,
        "amount": "{:,.0f}".format,
        "said": said,
    }
    return found


def _moment(text: str | None) -> str:
    return text[:16].replace("T", " ") if text else ABSENT


def _count(value: int | None) -> str:
    return ABSENT if value is None else f"{value:,}"


def _share(value: float | None) -> str:
    return ABSENT if value is None else f"{value:.1%}"


def _money(value: float | None) -> str:
    return ABSENT if value is None else f"{value:+,.2f}"
