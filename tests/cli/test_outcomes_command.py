import csv
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from typer.testing import CliRunner

from churn.scoring.outcome_rows import REQUIRED
from churn.stores.database import open_migrated
from churn.stores.outcomes import OutcomeStore
from churn.stores.tables import outcomes
from cli.main import app
from cli.outcomes import load_file

HEADER = "customer_id,churned,observed_at,prediction_id"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHURN_HOME", str(tmp_path / "home"))
    return tmp_path


def churn(*arguments: str) -> str:
    found = CliRunner().invoke(app, ["outcomes", *arguments], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output


def test_a_file_is_loaded_once_and_bad_rows_lie_beside_it(home: Path) -> None:
    file = home / "october.csv"
    file.write_text(f"{HEADER}\nA-1,1,2026-10-01,\nA-2,maybe,2026-10-01,\nA-3,0,2026-10-02,p-3\n")

    first, again = (json.loads(churn("load", str(file), "--json")) for _ in range(2))

    aside = f"{file}.rejected.csv"
    assert first == {"accepted": 2, "duplicates": 0, "rejected": 1, "rejected_file": aside}
    assert (again["accepted"], again["duplicates"]) == (0, 2)
    with Path(aside).open(newline="") as stream:
        assert list(csv.DictReader(stream)) == [
            {
                "row": "2",
                "rejected_because": "churned: must be true or false, 1 or 0, yes or no",
                "customer_id": "A-2",
                "churned": "maybe",
                "observed_at": "2026-10-01",
                "prediction_id": "",
            }
        ]
    shown = json.loads(churn("show", "--json"))
    assert (shown["left"], shown["stayed"], shown["customers"]) == (1, 1, 2)
    assert shown["by_source"] == {"october.csv": 2}
    assert "1 left, 1 stayed: 2 customers, seen 2026-10-01 to 2026-10-02" in churn("show")


def test_rows_set_aside_by_an_earlier_load_are_not_there_any_more(home: Path) -> None:
    file = home / "o.csv"
    file.write_text(f"{HEADER}\nA-1,maybe,2026-10-01,\n")
    churn("load", str(file))
    file.write_text(f"{HEADER}\nA-1,1,2026-10-01,\n")

    assert "1 new outcomes, 0 known already, 0 set aside" in churn("load", str(file), "--source", "mended")
    assert not file.with_name("o.csv.rejected.csv").exists()


def test_without_outcomes_that_is_shown(home: Path) -> None:
    del home
    assert "0 left, 0 stayed: 0 customers" in churn("show")


ROW = st.tuples(st.sampled_from("ABC"), st.sampled_from("01x"), st.sampled_from(["2026-10-01", "2026-10-02", "soon"]))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(ROW, min_size=1, max_size=6), min_size=1, max_size=3))
def test_whatever_is_loaded_however_often_and_in_whatever_order_is_known_once(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[tuple[str, str, str]]]
) -> None:
    folder = tmp_path_factory.mktemp("loaded")
    engine = open_migrated(f"sqlite:///{folder / 'churn.db'}")
    paths = [folder / f"{number}.csv" for number in range(len(files))]
    for path, rows in zip(paths, files, strict=True):
        path.write_text("\n".join([",".join(REQUIRED), *map(",".join, rows)]) + "\n")

    for path in (*paths, *reversed(paths), *paths):
        load_file(path, OutcomeStore(engine), "churn", path.name)

    with engine.connect() as connection:
        columns = (outcomes.c.customer_id, outcomes.c.churned, outcomes.c.observed_at)
        stored = sorted((who, str(flag), seen[:10]) for who, flag, seen in connection.execute(select(*columns)))
    engine.dispose()
    assert stored == sorted({row for rows in files for row in rows if row[1] != "x" and row[2] != "soon"})
