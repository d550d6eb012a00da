import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from churn.data.simulation.shifts import Shift
from churn.data.simulation.simulation import simulate
from churn.data.simulation.world import Reports, World
from churn.errors import TableError, UsageError
from churn.scoring.loading import load_scorer
from churn.settings import Settings
from churn.stores.database import open_database
from churn.stores.outcomes import OutcomeStore
from churn.stores.predictions import PredictionStore
from churn.stores.tables import outcomes as outcome_table
from churn.stores.transactions import reading
from cli.main import app
from cli.simulation.history import history
from tests.conftest import ROOT
from tests.monitoring.homes import home_with_production

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
WORLD = World(customers=200, months=3, seed=4, is_followed=False)


@pytest.fixture(scope="module")
def registry(bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return home_with_production(tmp_path_factory.mktemp("past"), bundle_folder)


@pytest.fixture
def home(registry: Settings, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, tracking=registry.tracking_uri)


def test_a_history_is_what_the_doors_would_have_recorded(home: Settings, bundle_folder: Path) -> None:
    told = history(WORLD, settings=home, now=NOW)

    recorded = PredictionStore(open_database(home.database_url)).window("churn")
    assert (told.predictions, told.unreadable, told.version) == (600, 0, 1)
    assert len(recorded) == 600
    assert {each.door for each in recorded} == {"bento", "fastapi"}
    moments = [datetime.fromisoformat(each.predicted_at) for each in recorded]
    assert NOW - timedelta(days=90) <= min(moments)
    assert max(moments) < NOW
    scorer = load_scorer(bundle_folder, name="churn", version=1)
    for each in recorded[::50]:
        assert each.model_version == 1
        request = scorer.form.convert(scorer.form.model.model_validate(each.inputs))
        probability, decision = scorer.score_one(request.row)
        assert each.probability == pytest.approx(probability, abs=1e-6)
        assert each.risk_level == decision.risk_level
        assert each.expected_loss is not None


def test_outcomes_are_those_that_are_known_by_now(home: Settings) -> None:
    world = replace(WORLD, reports=Reports(mean_extra_days=20, lost_share=0.1))
    told = history(world, settings=home, now=NOW)

    engine = open_database(home.database_url)
    with reading(engine) as connection:
        rows = connection.execute(select(outcome_table)).all()
    truth = list(simulate(replace(world, start=NOW - timedelta(days=90))))
    reported = np.concatenate([month.reported_days + 30 * (month.number - 1) for month in truth])
    assert len(rows) == told.outcomes == int((reported <= 90).sum())
    assert told.unknown == 600 - told.outcomes
    assert 0 < np.mean([row.churned for row in rows]) < 0.6
    assert all(datetime.fromisoformat(row.observed_at) <= NOW for row in rows)
    known = {each.prediction_id: each.customer_id for each in PredictionStore(engine).window("churn")}
    assert all(known[row.prediction_id] == row.customer_id for row in rows)


def test_the_same_customers_are_predicted_month_after_month_when_they_are_followed(home: Settings) -> None:
    told = history(replace(WORLD, is_followed=True, arrivals=0, base_rate=0.02), settings=home, now=NOW)

    recorded = PredictionStore(open_database(home.database_url)).window("churn")
    assert told.predictions > 500
    assert len({each.customer_id for each in recorded}) == 200


def test_what_the_contract_does_not_allow_is_not_answered(home: Settings) -> None:
    told = history(replace(WORLD, shifts=(Shift.parse("new:Contract=Weekly:0.5"),)), settings=home, now=NOW)

    assert 200 < told.unreadable < 400
    assert told.predictions == 600 - told.unreadable
    assert PredictionStore(open_database(home.database_url)).count("churn") == told.predictions


def test_a_history_keeps_away_from_real_predictions_unless_it_is_told_otherwise(home: Settings) -> None:
    history(WORLD, settings=home, now=NOW)

    with pytest.raises(UsageError, match=r"600 predictions of churn are recorded already.*--yes"):
        history(WORLD, settings=home, now=NOW)
    history(WORLD, settings=home, now=NOW, is_sure=True)

    engine = open_database(home.database_url)
    assert PredictionStore(engine).count("churn") == 1200
    assert OutcomeStore(engine).count("churn") > 0


def test_customers_of_another_contract_are_refused(home: Settings) -> None:
    source = replace(WORLD.source, names=("tenure", "Contract"))  # type: ignore[type-var]
    with pytest.raises(TableError, match="MonthlyCharges"):
        history(replace(WORLD, source=source), settings=home, now=NOW)


def test_the_command_tells_what_it_has_stored(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHURN_HOME", str(home.home))
    monkeypatch.setenv("CHURN_TRACKING_URI", home.tracking_uri)
    command = ["simulate", "--history", "--customers", "50", "--contract", str(ROOT / "contracts" / "telco.yaml")]

    first, again, sure = (
        CliRunner().invoke(app, [*command, *more]) for more in (["--months", "2", "--json"], [], ["--yes"])
    )

    assert first.exit_code == 0, first.output
    assert json.loads(first.stdout)["predictions"] == 100
    assert isinstance(again.exception, UsageError)
    assert sure.exit_code == 0, sure.output
    assert "predictions: 300" in sure.stdout
