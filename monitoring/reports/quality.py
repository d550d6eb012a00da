"""Quality pages: what ingest found in each table, as pages beside the other reports."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from churn.scoring.prediction import utc_text
from monitoring.reports.page import quality_page
from monitoring.reports.shelves import address

KEPT = 20
FOLDER = "quality"


class _Counts(BaseModel):
    """What a quality report's JSON says that the index shows."""

    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    churn_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class QualityReport:
    """One table that was ingested.

    Attributes:
        at: when it was last ingested.
        contract: the contract's name.
        churn_rate: share of the accepted customers who left, 0 … 1.
        page: address, relative to the report folder.
    """

    at: str
    contract: str
    rows: int
    accepted: int
    rejected: int
    churn_rate: float
    page: str


def write_quality(data_folder: Path, shelf: Path) -> list[QualityReport]:
    """Write a page for each of the newest tables, remove the others, and return them, the newest first."""
    texts = sorted(data_folder.glob("*/quality/*.md"), key=lambda path: path.stat().st_mtime, reverse=True)[:KEPT]
    folder = shelf / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    pages = {path: folder / f"{path.parent.parent.name}-{path.stem}.html" for path in texts}
    for text, page in pages.items():
        page.write_text(quality_page(text.read_text(encoding="utf-8")), encoding="utf-8")
    for old in set(folder.glob("*.html")) - set(pages.values()):
        old.unlink(missing_ok=True)
    return [_read(text, address(page, shelf)) for text, page in pages.items()]


def _read(text: Path, page: str) -> QualityReport:
    try:
        found = _Counts.model_validate_json(text.with_suffix(".json").read_bytes())
    except (OSError, ValidationError):
        found = _Counts()
    at = utc_text(datetime.fromtimestamp(text.stat().st_mtime, UTC))
    return QualityReport(at, text.parent.parent.name, **found.model_dump(), page=page)
