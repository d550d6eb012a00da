"""Sections of benchmarks/RESULTS.md that are written apart from the others, between markers."""

from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")


def section_of(page: str, name: str) -> str:
    """Return what stands between a section's markers; "" when it is not there."""
    begin, end = _markers(name)
    return page.partition(begin)[2].partition(end)[0].strip("\n")


def replace_section(page: str, name: str, section: str) -> str:
    """Return the page with this section in place of the old one, or at its end; nothing else changes."""
    begin, end = _markers(name)
    if not section:
        return page
    written = f"{begin}\n{section.strip()}\n{end}"
    before, found, rest = page.partition(begin)
    if not found:
        return f"{page.rstrip()}\n\n{written}\n"
    return before + written + rest.partition(end)[2]


def _markers(name: str) -> tuple[str, str]:
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
