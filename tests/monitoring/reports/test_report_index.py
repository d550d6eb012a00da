"""The index of reports: what it lists, what it links, and that no text becomes markup."""

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from churn.errors import StoreError
from churn.scoring.prediction import utc_now
from churn.stores.database import open_migrated
from churn.stores.drift import DriftRun, DriftStore
from churn.stores.performance import PerformanceMeasure, PerformanceRun, PerformanceStore
from churn.stores.predictions import PredictionStore
from churn.stores.promotions import Move, PromotionLog
from churn.stores.retrain_decisions import NewDecision, RetrainDecisionStore
from churn.stores.stage_runs import StageRunLog
from monitoring.reports.page import index_page, quality_page
from monitoring.reports.standing import standing_of
from monitoring.reports.summary import inline
from monitoring.reports.writing import write_reports
from monitoring.settings import MonitoringSettings
from tests.churn.stores.records import PREDICTION

AT = "2026-11-21T06:00:00.000Z"
FOLDER = "20261121T060000000Z-v1"
HOSTILE = '</td></script><script>alert("1")</script><img src=x onerror=alert(2)>'


class Read(HTMLParser):
    """A page as a browser reads it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [str(value) for name, value in attrs if name in {"href", "src"}]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture
def home(tmp_path: Path) -> MonitoringSettings:
    return MonitoringSettings(home=tmp_path)


@pytest.fixture
def engine(home: MonitoringSettings) -> Engine:
    return open_migrated(home.database_url)


def drift_run(home: MonitoringSettings, *, words: str = "3 of 20 columns drifted", **more: object) -> DriftRun:
    report = str(home.drift_folder / FOLDER / "drift.html")
    facts = {"rows": 1250, "drifted_share": 0.15, "is_drifted": True, "status": "drift", "report": report, **more}
    return DriftRun("churn", 1, AT, AT, AT, words=words, **facts)  # type: ignore[arg-type]


def put_on_shelf(home: MonitoringSettings, *names: str) -> None:
    folder = home.drift_folder / FOLDER
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("x")


def test_an_empty_home_has_an_index_that_says_what_to_do(home: MonitoringSettings) -> None:
    written = write_reports(home)

    read = Read(written.index.read_text())
    assert "churn drift" in read.words
    assert written.standing.problems == ("nothing of churn is in production",)
    assert (home.report_folder / "summary.md").read_text() == written.summary


def test_every_link_of_the_index_leads_to_a_file_of_the_report_folder(home: MonitoringSettings, engine: Engine) -> None:
    DriftStore(engine).add(drift_run(home), [])
    put_on_shelf(home, "drift.html", "drift.json", "tenure's #1.png")
    quality = home.data_folder / "telco" / "quality"
    quality.mkdir(parents=True)
    (quality / "abc-def.md").write_text("# Data quality\n\n|column|missing|\n|---|--:|\n|[tenure](http://evil)|0|\n")
    (quality / "abc-def.json").write_text(
        json.dumps({"rows": 10, "accepted": 9, "rejected": 1, "churn_rate": 0.25, "columns": []})
    )

    read = Read(write_reports(home).index.read_text())

    links = {link for link in read.links if not link.startswith("#")}
    assert all((home.report_folder / unquote(link)).is_file() for link in links), links
    assert {unquote(link).rpartition("/")[2] for link in links} == {
        "summary.md", "drift.html", "drift.json", "tenure's #1.png", "telco-abc-def.html",
    }  # fmt: skip
    assert "25.0%" in read.words


def test_a_run_whose_page_was_removed_or_lies_elsewhere_stays_without_a_link(
    home: MonitoringSettings, engine: Engine
) -> None:
    DriftStore(engine).add(drift_run(home), [])
    DriftStore(engine).add(drift_run(home, report="/etc/../etc/passwd", status="not enough data", is_drifted=False), [])

    read = Read(write_reports(home).index.read_text())

    assert [link for link in read.links if not link.startswith("#")] == ["summary.md"]
    assert "not enough data" in read.words


def test_what_happened_is_told_newest_first(home: MonitoringSettings, engine: Engine) -> None:
    moves = PromotionLog(engine)
    for version in (1, 2):
        move = Move("churn", "promote", version - 1 or None, version, f"actor-{version}")
        moves.finish(moves.prepare(move, reason=""), "done")
    stages = StageRunLog(engine)
    stages.end(stages.begin("churn", "drift"), "failed", "the disk is full")
    stages.end(stages.begin("churn", "drift"), "done", "well again")
    stages.end(stages.begin("churn", "retrain"), "failed", "no table")

    written = write_reports(home)

    words = Read(written.index.read_text()).words
    assert words.rindex("actor-2") < words.rindex("actor-1")
    assert "version 2" in words
    assert written.standing.problems == ("retrain failed: no table",)
    assert "well again" in written.summary


def test_what_was_observed_stands_beside_what_was_estimated(home: MonitoringSettings, engine: Engine) -> None:
    moves, report = PromotionLog(engine), str(home.report_folder / "performance" / FOLDER / "performance.html")
    moves.finish(moves.prepare(Move("churn", "promote", 1, 2, "me"), reason=""), "done")
    run = PerformanceRun("churn", 2, AT, AT, AT, 900, 600, 10, 5, 0, "degraded", "ROC-AUC fell", report)
    measures = [
        PerformanceMeasure("all", "all", "roc_auc", "observed", 0.71, 0.68, 0.74, 600),
        PerformanceMeasure("all", "all", "roc_auc", "estimated", 0.79, None, None, 900),
        PerformanceMeasure("door", "bento", "roc_auc", "observed", 0.123, 0.1, 0.2, 300),
    ]
    PerformanceStore(engine).add(run, measures)
    PerformanceStore(engine).add(replace(run, model_version=1, status="not degraded", words="an old version"), [])

    written = write_reports(home)

    words = Read(written.index.read_text()).words
    assert "0.710 (0.680 to 0.740)" in words
    assert "0.790" in words
    assert "0.123" not in words
    assert "an old version" in words
    assert r"roc\_auc: 0.710 (0.680 to 0.740); estimated 0.790; held out –" in written.summary
    assert written.standing.problems == ("the predictions have become worse: ROC-AUC fell",)


def test_customers_and_revenue_at_risk_are_counted_once_each(home: MonitoringSettings, engine: Engine) -> None:
    facts = {"predicted_at": utc_now(), "expected_loss": 100.0, "expected_profit": 7.0, "risk_level": "high"}
    low = {**facts, "risk_level": "low", "expected_loss": 2000.0, "expected_profit": -3.0}
    PredictionStore(engine).add(
        [
            replace(PREDICTION, prediction_id="a", customer_id="one", **facts),
            replace(
                PREDICTION, prediction_id="b", customer_id="one", **{**low, "predicted_at": "2026-11-01T00:00:00.000Z"}
            ),
            replace(PREDICTION, prediction_id="c", customer_id="two", **low),
        ]
    )

    written = write_reports(home)

    assert "2 predicted within 30 days (1 high, 1 low); revenue at risk 2,100" in written.summary
    assert "expected profit of contacting 7" in written.summary
    assert "2,100" in Read(written.index.read_text()).words


def test_no_text_of_a_store_becomes_markup(home: MonitoringSettings, engine: Engine) -> None:
    DriftStore(engine).add(drift_run(home, words=HOSTILE), [])
    moves = PromotionLog(engine)
    move = Move("churn", "promote", None, 1, HOSTILE)
    moves.finish(moves.prepare(move, reason=HOSTILE), "done", HOSTILE)
    decision = NewDecision(
        model_name="churn", decision="train", reasons=[HOSTILE], facts={}, data_fingerprint="", actor=HOSTILE
    )
    store = RetrainDecisionStore(engine)
    store.finish(store.add(decision), HOSTILE)
    stages = StageRunLog(engine)
    stages.end(stages.begin("churn", "score"), "failed", HOSTILE)

    read = Read(write_reports(home).index.read_text())

    assert not {"script", "img"} & set(read.tags)
    assert read.words.count('alert("1")') >= 6


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet=st.sampled_from("<>&\"'`/= \nabscript()[]!|*_#{}%"), max_size=60))
def test_any_words_stay_words(home: MonitoringSettings, engine: Engine, text: str) -> None:
    now = standing_of("churn", engine)
    facts = {"now": now, "drift": [], "performance": [], "figures": [], "quality": []}
    plain = index_page(facts)
    run = drift_run(home, words=f"x{text}")
    object.__setattr__(now, "drift", (run,))
    page = index_page(facts)

    assert Read(page).tags.count("b") == Read(plain).tags.count("b") + page.count("profit per customer</span>")
    assert not {"script", "img", "iframe", "svg"} & set(Read(page).tags)
    assert "\n" not in inline(text)
    assert Read(quality_page(text)).tags.count("a") == 1


def test_a_disk_that_takes_nothing_is_named(home: MonitoringSettings) -> None:
    home.report_folder.write_text("a file where the folder should be")

    with pytest.raises(StoreError, match=r"reports takes no reports: .*Free some space"):
        write_reports(home)
