"""`churn audit` and `churn what-was-live`, as they are typed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from churn.errors import NotFoundError, UsageError
from churn.stores.database import open_migrated
from churn.stores.log.checking import BROKEN
from churn.stores.stage_runs import StageRunLog
from cli import audit, what_was_live
from tests.churn.stores.log.logged import fill

KEY = "a key of sixteen letters"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHURN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CHURN_ACTOR", "ann")
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.delenv("CHURN_AUDIT_KEY", raising=False)
    return tmp_path / "home"


@pytest.fixture
def engine(home: Path) -> Iterator[Engine]:
    engine = open_migrated(f"sqlite:///{home / 'churn.db'}")
    fill(engine)
    yield engine
    engine.dispose()


def run(*words: str) -> Result:
    return CliRunner().invoke(audit.app, words, catch_exceptions=False)


def edit(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


def last_words(engine: Engine) -> tuple[str, str]:
    run = StageRunLog(engine).recent("churn", "audit")[0]
    return run.status, run.words


def test_a_sound_log_is_verified_and_it_is_noted_that_it_was(engine: Engine) -> None:
    done = run("verify")

    assert done.exit_code == 0
    assert done.output == "6 blocks, 12 predictions and 2 moves are as they were recorded\n"
    assert last_words(engine) == ("done", done.output.strip())


def test_without_a_command_all_is_verified(engine: Engine) -> None:
    assert run().output == run("verify").output
    assert len(StageRunLog(engine).recent("churn", "audit")) == 2


def test_one_edited_row_is_named_and_the_exit_status_is_2(engine: Engine) -> None:
    edit(engine, "UPDATE predictions SET probability = 0.62 WHERE prediction_id = 'p-5'")
    done = run("verify")

    assert (done.exit_code, done.output) == (2, "prediction p-5 was changed (block 2)\n")
    assert last_words(engine) == ("done", f"{BROKEN}prediction p-5 was changed (block 2)")
    assert run("verify", "--since", "2026-11-09T00:00+00:00").exit_code == 0
    found = json.loads(run("verify", "--json").output)
    assert (found["is_sound"], found["wrong"], found["predictions"]) == (False, 1, 12)


def test_an_anchor_finds_a_log_that_was_cut_off(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHURN_AUDIT_KEY", KEY)
    assert run("seal", "--out", "anchor.json").output == "block 5 sealed in anchor.json, signed\n"
    assert run("verify", "--anchor", "anchor.json").exit_code == 0

    edit(engine, "DELETE FROM predictions WHERE block = 5")
    edit(engine, "DELETE FROM log_blocks WHERE number = 5")
    edit(engine, "UPDATE log_head SET number = 4, hash = (SELECT hash FROM log_blocks WHERE number = 4)")

    assert run("verify").exit_code == 0
    done = run("verify", "--anchor", "anchor.json")
    assert done.exit_code == 2
    assert "the log is shorter than the anchor says" in done.output


def test_without_a_key_an_anchor_is_not_signed_and_says_so(engine: Engine) -> None:
    assert "not signed: CHURN_AUDIT_KEY is not set" in run("seal", "--out", "anchor.json").output
    assert run("verify", "--anchor", "anchor.json").exit_code == 0
    assert engine.dialect.name == "sqlite"


def test_an_empty_log_can_t_be_sealed() -> None:
    with pytest.raises(NotFoundError, match="the log is empty"):
        run("seal", "--out", "anchor.json")


def test_an_exported_log_is_verified_by_itself(engine: Engine) -> None:
    assert run("export", "--out", "log.jsonl").output == "14 rows and every block written to log.jsonl\n"
    run("seal", "--out", "anchor.json")
    engine.dispose()
    Path("home/churn.db").unlink()

    assert run("verify", "--file", "log.jsonl", "--anchor", "anchor.json").exit_code == 0
    assert not Path("home/churn.db").exists()
    file = Path("log.jsonl")
    file.write_text(
        file.read_text("utf-8").replace('"inputs":"{\\"tenure\\":1', '"inputs":"{\\"tenure\\":2', 1), "utf-8"
    )
    done = run("verify", "--file", "log.jsonl")
    assert (done.exit_code, done.output) == (2, "prediction p-0 was changed (block 1)\n")
    assert [path.name for path in Path().glob("*log*")] == ["log.jsonl"]
    with pytest.raises(UsageError, match="--since goes with the database"):
        run("verify", "--file", "log.jsonl", "--since", "2026-11-09")


def test_an_export_that_can_t_be_written_leaves_nothing(engine: Engine) -> None:
    with pytest.raises(UsageError, match="can't be written: No such file"):
        run("export", "--out", "no/folder/log.jsonl")
    assert engine.dialect.name == "sqlite"


def test_young_predictions_are_kept_unless_a_person_insists(engine: Engine) -> None:
    with pytest.raises(UsageError, match=r"kept for 365 days \(CHURN_RETAIN_DAYS\)"):
        run("retain", "--before", "2099-01-01")

    words = ("retain", "--before", "2026-11-09T00:00+00:00")
    assert run(*words, "--dry-run").output == "8 predictions of 2 blocks would be deleted\n"
    assert run("verify", "--json").output.count('"predictions": 12') == 1
    assert "8 predictions of 2 blocks deleted\n" in run(*words, "--force", "--reason", "asked to").output
    assert "predictions of 2 blocks were deleted by `churn audit retain`" in run("verify").output
    assert engine.dialect.name == "sqlite"


def test_history_is_shown_for_people_programs_and_spreadsheets(engine: Engine) -> None:
    assert "promote" in run("history").output
    notes = json.loads(run("history", "--json", "--alias", "production", "--version", "1").output)
    assert [(note["status"], note["actor"], note["block"]) for note in notes] == [
        ("prepared", "ann", 3),
        ("done", "ann", 4),
    ]

    edit(engine, "UPDATE promotions SET reason = '=1+1' WHERE id = 1")
    header, first, _ = run("history", "--csv").output.splitlines()
    assert header == "at,action,alias,from_version,to_version,status,actor,decision,digest,reason"
    assert first.endswith(",promote,production,,1,prepared,ann,,,'=1+1")


def test_a_prediction_is_shown_with_its_block_and_whether_it_holds(engine: Engine) -> None:
    done = run("show", "p-5")
    assert done.exit_code == 0
    assert "probability: 0.61\n" in done.output
    assert "log: block 2 of " in done.output

    edit(engine, "UPDATE predictions SET probability = 0.62 WHERE prediction_id = 'p-5'")
    edit(engine, "UPDATE predictions SET block = NULL WHERE prediction_id = 'p-1'")
    edit(engine, "UPDATE predictions SET block = 77 WHERE prediction_id = 'p-2'")
    edit(engine, "UPDATE log_blocks SET first_at = last_at WHERE number = 5")
    said = {key: run("show", key) for key in ("p-5", "p-1", "p-2", "p-9")}
    assert {done.exit_code for done in said.values()} == {2}
    assert "not as it was recorded: prediction p-5 was changed (block 2)" in said["p-5"].output
    assert "not as it was recorded: no block holds it" in said["p-1"].output
    assert "it names block 77, which does not exist" in said["p-2"].output
    assert "block 5 was changed" in said["p-9"].output
    assert json.loads(run("show", "p-5", "--json").output)["row"]["probability"] == 0.62
    with pytest.raises(NotFoundError, match="no prediction 'p-99' is stored"):
        run("show", "p-99")


def live(*words: str) -> Result:
    return CliRunner().invoke(what_was_live.app, words, catch_exceptions=False)


def test_what_was_live_is_told_for_people_and_programs(engine: Engine) -> None:
    done = live("--at", "2099-01-01T01:00+01:00")
    assert "churn at 2099-01-01T00:00:00.000Z (UTC):" in done.output
    assert "production" in done.output
    found = json.loads(live("--at", "2099-01-01", "--json").output)
    assert [(one["alias"], one["version"], one["actor"]) for one in found["holders"]] == [("production", 1, "ann")]

    assert "nothing had an alias then: the first move was noted at" in live("--at", "2020-01-01T00:00").output
    assert engine.dialect.name == "sqlite"


def test_without_any_move_it_is_said_so() -> None:
    assert "no move was ever noted" in live("--at", "2026-11-21").output


def test_a_moment_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="'yesterday' is no moment: write 2026-11-21"):
        live("--at", "yesterday")
