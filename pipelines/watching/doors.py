"""The doors as a watch sees them: each one's page of metrics, or silence."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from churn.metric_page import Page, read_page

SECONDS = 2.0
"""How long a door is waited for; it answers in milliseconds."""

Pages = Mapping[str, Page | None]
"""By door; None: it did not answer, or not with metrics."""


@dataclass(frozen=True, slots=True)
class Watchtower:
    """From where all doors are seen at once."""

    urls: Sequence[str]
    _client: httpx.Client
    _crew: ThreadPoolExecutor

    def look(self) -> Pages:
        """Ask every door for its metrics."""
        return dict(zip(self.urls, self._crew.map(self._ask, self.urls), strict=True))

    def _ask(self, url: str) -> Page | None:
        try:
            answer = self._client.get(f"{url}/metrics")
            return read_page(answer.text) if answer.is_success else None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            return None


@contextmanager
def watchtower(urls: Sequence[str]) -> Iterator[Watchtower]:
    """Look at these doors while the block runs."""
    with httpx.Client(timeout=SECONDS) as client, ThreadPoolExecutor(max(1, len(urls))) as crew:
        yield Watchtower(urls, client, crew)
