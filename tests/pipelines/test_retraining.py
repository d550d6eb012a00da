"""Where a retraining takes its table and contract from, and how far it says that it is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from churn.contract.contract import Contract
from churn.contract.reading import dump_contract
from churn.errors import UsageError
from churn.stores.job_files import JobFiles
from churn.stores.orders import Job, RetrainOrder
from pipelines.jobs import retraining
from pipelines.jobs.retraining import do_retrain
from pipelines.jobs.scoring import do_score
from pipelines.jobs.task import Task
from tests.pipelines.conftest import Home, settings_of


class Listener:
    """Takes what a job tells."""

    def __init__(self) -> None:
        self.told: list[tuple[str, float | None]] = []
        self.is_committed = False

    def tell(self, words: str, progress: float | None = None) -> None:
        self.told.append((words, progress))

    def commit(self) -> None:
        self.is_committed = True


def job(**parameters: object) -> Job:
    return Job(
        job_id="1" * 32, kind="retrain", model_name="churn", home=None, status="running", actor="me",
        parameters=parameters, progress=0.0, words="", result={}, problem="", worker="me", attempts=1,
        created_at="", started_at=None, seen_at=None, finished_at=None,
    )  # fmt: skip


def test_without_names_it_is_the_newest_trainings_table_and_contract(home: Home, telco: Contract) -> None:
    contract, table = retraining._source(RetrainOrder(), home.settings)

    assert dump_contract(contract) == dump_contract(telco)
    assert home.settings.home in table.parents
    assert table.read_bytes() == home.ingested.raw.read_bytes()


def test_a_name_is_a_file_of_the_folder_of_tables(home: Home, telco: Contract) -> None:
    folder = home.settings.table_folder
    folder.mkdir(parents=True)
    (folder / "mine.csv").touch()

    contract, table = retraining._source(RetrainOrder(data="mine.csv"), home.settings)

    assert (contract.name, table) == (telco.name, folder / "mine.csv")


def test_a_table_that_is_gone_is_told_of(home: Home) -> None:
    retraining._source(RetrainOrder(), home.settings)[1].unlink()

    with pytest.raises(UsageError, match="not on this machine any more"):
        retraining._source(RetrainOrder(), home.settings)


def test_before_the_first_training_both_have_to_be_named(tmp_path: Path) -> None:
    from pipelines.tracking import open_tracking

    settings = settings_of(tmp_path / "home")
    settings.home.mkdir()
    open_tracking(settings)

    with pytest.raises(UsageError, match="nothing was trained yet: name both"):
        retraining._source(RetrainOrder(), settings)


def test_parameters_that_cannot_work_are_refused_before_any_work(tmp_path: Path) -> None:
    task = Task(job(candidates=["no_such_thing"]), settings_of(tmp_path / "home"), Listener())

    with pytest.raises(UsageError, match="no candidate no_such_thing"):
        do_retrain(task)


@pytest.mark.parametrize(
    ("words", "progress"),
    [
        ("ingest: your file x.csv", 0.02),
        ("search: 4 of 8 trials were there already", 0.35),
        ("trial 8 of 8: logistic", 0.6),
        ("money, reasons, segments", 0.75),
        ("writing the graphs and proving that they equal the pipeline", 0.85),
        ("register", 0.96),
        ("stacking a, b", None),
    ],
)
def test_what_a_stage_says_tells_how_far_it_is(words: str, progress: float | None) -> None:
    assert retraining._progress(words) == pytest.approx(progress)


@pytest.mark.parametrize("file", ["input.csv", "input.parquet"])
def test_a_stored_file_is_scored_beside_itself(registered_home: Home, file: str, customers_file: Path) -> None:
    import pandas as pd

    folder, listener = JobFiles(registered_home.settings.job_folder).folder("1" * 32), Listener()
    folder.mkdir(parents=True)
    customers = pd.read_csv(customers_file, dtype=str)
    write: Callable[..., object] = customers.to_csv if file.endswith("csv") else customers.to_parquet
    write(folder / file, index=False)

    ending = do_score(Task(job(file=file, sha256="0" * 64, version=1), registered_home.settings, listener))

    assert ending.result["scored"] == len(customers)
    assert len(pd.read_csv(folder / "scores.csv")) == len(customers)
    assert ending.leftovers == (folder / file,)
    assert 0.9 < listener.told[-1][1] <= 1  # type: ignore[operator]


def test_a_file_that_is_gone_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="send it again"):
        do_score(Task(job(file="input.csv", sha256="0" * 64), settings_of(tmp_path / "home"), Listener()))


@pytest.fixture
def registered_home(home: Home) -> Home:
    from pipelines.evaluate import evaluate
    from pipelines.register import register

    evaluate(home.trained.run_id, settings=home.settings)
    register(None, settings=home.settings)
    return home
