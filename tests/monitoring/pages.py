"""Pages as a browser reads them."""

from html.parser import HTMLParser


class _Scripts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.found += tag == "script"


def count_scripts(html: str) -> int:
    """Count the script elements."""
    parser = _Scripts()
    parser.feed(html)
    return parser.found
