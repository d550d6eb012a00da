"""Writing: the index of all reports and the summary, into the report folder.

Reads:  the SQL store, the folders of drift and performance runs, the quality reports of ingest; Prometheus, if asked.
Writes: index.html, summary.md and a page for each quality report.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

from churn.errors import StoreError
from churn.stores.database import open_migrated
from monitoring.reports.alerts import ask_prometheus
from monitoring.reports.figures import figures_of
from monitoring.reports.page import index_page
from monitoring.reports.quality import write_quality
from monitoring.reports.shelves import shelved
from monitoring.reports.standing import Standing, standing_of
from monitoring.reports.summary import markdown
from monitoring.settings import MonitoringSettings

log = logging.getLogger(__name__)

INDEX, SUMMARY = "index.html", "summary.md"


@dataclass(frozen=True, slots=True)
class Written:
    """What was written, and what it says."""

    index: Path
    summary: str
    standing: Standing


def write_reports(settings: MonitoringSettings, *, prometheus: str | None = None) -> Written:
    """Write the index and the summary anew.

    Args:
        settings: where everything is.
        prometheus: address to ask for alerts; None: nobody is asked.

    Raises:
        StoreError: the SQL store did not answer, or the disk takes no report.
    """
    engine = open_migrated(settings.database_url)
    now = standing_of(settings.model, engine, ask_prometheus(prometheus) if prometheus else None)
    engine.dispose()
    shelf, summary = settings.report_folder, markdown(now)
    try:
        shelf.mkdir(parents=True, exist_ok=True)
        index = _put(shelf / INDEX, index_page(_facts(now, settings)))
        _put(shelf / SUMMARY, summary)
    except OSError as error:
        raise StoreError(f"{shelf} takes no reports: {error.strerror}. Free some space, or mend its rights") from error
    log.info("reports listed", extra={"drift": len(now.drift), "problems": len(now.problems)})
    return Written(index, summary, now)


def _facts(now: Standing, settings: MonitoringSettings) -> dict[str, object]:
    shelf = settings.report_folder
    return {
        "now": now,
        "drift": [(run, shelved(shelf, "drift", run.report)) for run in now.drift],
        "performance": [(run, shelved(shelf, "performance", run.report)) for run in now.performance],
        "figures": figures_of(now.look[1]) if now.look else [],
        "quality": write_quality(settings.data_folder, shelf),
    }


def _put(path: Path, text: str) -> Path:
    """Replace a file in one step: somebody may be reading it."""
    draft = path.with_name(f".{path.name}")
    draft.write_text(text, encoding="utf-8")
    return draft.replace(path)
