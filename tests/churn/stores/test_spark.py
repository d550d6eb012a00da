"""A registered version in Spark: needs the dependency group `spark`, which a step of `.ci/run` installs, and Java."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest

from churn.contract.contract import Contract
from churn.contract.table import Columns
from churn.scoring.loading import load_scorer
from churn.scoring.scorer import Scorer
from churn.settings import Settings
from tests.bundles import random_columns
from tests.registered import promoted
from tests.tracking import own_tracking

pytest.importorskip("pyspark", reason="the dependency group `spark` is not installed")
pytestmark = pytest.mark.slow

ROWS = 300
RESULT = "churn_probability double, churn_prediction long"


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real Spark of two cores; its Python processes run where nothing of this project can be imported."""
    from pyspark.sql import SparkSession

    scratch = tmp_path_factory.mktemp("spark")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYSPARK_PYTHON", sys.executable)
        patched.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        builder = SparkSession.builder.master("local[2]").appName("holdfast")
        builder = builder.config("spark.ui.enabled", "false").config("spark.driver.memory", "1g")
        builder = builder.config("spark.local.dir", str(scratch / "local"))
        session = builder.config("spark.sql.warehouse.dir", str(scratch / "warehouse")).getOrCreate()
        yield session
        session.stop()


@dataclass(frozen=True, slots=True)
class Registered:
    """A version in a registry, and the scorer of its bundle."""

    uri: str
    scorer: Scorer


@pytest.fixture
def registered(telco: Contract, bundle_folder: Path, tmp_path: Path) -> Iterator[Registered]:
    settings = Settings(home=tmp_path / "home")
    promoted(bundle_folder, telco, settings, tmp_path)
    with own_tracking():
        mlflow.set_tracking_uri(settings.tracking_uri)
        yield Registered("models:/churn@production", load_scorer(bundle_folder, name="churn", version=1))


def test_spark_gives_the_scorer_s_probabilities_and_predictions(
    spark: Any, registered: Registered, telco: Contract
) -> None:
    columns = random_columns(telco, ROWS, seed=5)

    found = _scored(spark, registered.uri, columns)

    _require_equal(found, registered.scorer, columns)


def test_a_column_that_spark_does_not_have_counts_as_missing(
    spark: Any, registered: Registered, telco: Contract
) -> None:
    columns = random_columns(telco, ROWS, seed=6)
    absent = ("TotalCharges", "PaymentMethod")
    missing = {name: np.full_like(columns[name], "" if columns[name].dtype == object else np.nan) for name in absent}

    found = _scored(spark, registered.uri, {name: columns[name] for name in columns if name not in absent})

    _require_equal(found, registered.scorer, {**columns, **missing})
    assert not np.allclose(found[0], registered.scorer.score_columns(columns), atol=1e-3)


def _scored(spark: Any, uri: str, columns: Columns) -> tuple[np.ndarray, np.ndarray]:
    """Score in three partitions."""
    from pyspark.sql.functions import col, struct

    score = mlflow.pyfunc.spark_udf(spark, uri, result_type=RESULT, env_manager="local")
    customers = _customers(spark, columns).repartition(3)
    answers = customers.select("row", score(struct(*columns)).alias("answer")).orderBy("row")
    rows = answers.select("row", col("answer.churn_probability"), col("answer.churn_prediction")).collect()
    assert [row[0] for row in rows] == list(range(ROWS))
    return np.array([row[1] for row in rows]), np.array([row[2] for row in rows])


def _customers(spark: Any, columns: Columns) -> Any:
    """Customers as a Spark table with the types of the signature; what is missing is null."""
    types = [
        "row long",
        *(f"`{name}` {'string' if _is_text(values) else 'double'}" for name, values in columns.items()),
    ]
    cells = [range(ROWS), *([_cell(value) for value in values] for values in columns.values())]
    return spark.createDataFrame(list(zip(*cells, strict=True)), ", ".join(types))


def _is_text(values: np.ndarray) -> bool:
    return bool(values.dtype == object)


def _cell(value: Any) -> float | str | None:
    if isinstance(value, str):
        return value or None
    return None if np.isnan(value) else float(value)


def _require_equal(found: tuple[np.ndarray, np.ndarray], scorer: Scorer, columns: Columns) -> None:
    # Spark scores in batches of its own: the last float32 bits depend on a batch's size and on the processor.
    np.testing.assert_allclose(found[0], scorer.score_columns(columns), atol=1e-6, rtol=0)
    np.testing.assert_array_equal(found[1], scorer.decide_all(found[0])[0])
