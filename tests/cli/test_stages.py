"""The stages on the command line: one line and exit status 1 for a mistake, 2 for a refusal."""

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from churn.data.sampler_file import write_sample
from cli.main import run
from pipelines import parameters
from tests.tracking import own_tracking

ROOT = Path(__file__).parent.parent.parent
CONTRACT = ROOT / "contracts" / "telco.yaml"
CHURN = Path(sys.executable).parent / "churn"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one call said, and its exit status."""

    returncode: int
    stdout: str
    stderr: str


Churn = Callable[..., Answer]


@pytest.fixture
def churn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Churn]:
    """`churn` in an empty folder with a home of its own, in this process: each import is paid once."""
    with own_tracking():
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("CHURN_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("CHURN_ACTOR", "tester")
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

        def call(*words: str | Path, **more: str) -> Answer:
            capsys.readouterr()
            for name, value in more.items():
                monkeypatch.setenv(name, value)
            monkeypatch.setattr(sys, "argv", ["churn", *map(str, words)])
            with pytest.raises(SystemExit) as ended:
                run()
            said = capsys.readouterr()
            return Answer(int(ended.value.code or 0), said.out, said.err)

        yield call


def churn_process(folder: Path, *words: str | Path) -> Answer:
    """`churn` as the process that people start."""
    environment = {"PATH": f"{CHURN.parent}:/usr/bin:/bin", "CHURN_HOME": str(folder / "home")}
    said = subprocess.run(
        [str(CHURN), *map(str, words)], capture_output=True, text=True, cwd=folder, env=environment, check=False
    )
    return Answer(said.returncode, said.stdout, said.stderr)


@pytest.fixture(scope="module")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("customers") / "my [old] customers.csv"
    write_sample(path, 300, seed=2)
    return path


def assert_one_line(answer: Answer, *parts: str) -> None:
    assert answer.returncode == 1, answer.stderr
    assert "Traceback" not in answer.stderr
    lines = [line for line in answer.stderr.splitlines() if line.strip()]
    assert lines[-1].startswith("churn: ")
    assert len([line for line in lines if not line.startswith(("customers:", "20"))]) == 1
    for part in parts:
        assert part in lines[-1]


def test_a_missing_file_is_named(churn: Churn) -> None:
    assert_one_line(churn("ingest", "--contract", CONTRACT, "--data", "none.csv"), "none.csv", "--data")
    assert_one_line(churn("train", "--contract", CONTRACT, "--data", "none.csv"), "none.csv")


def test_a_missing_contract_is_named(churn: Churn, customers: Path) -> None:
    assert_one_line(churn("ingest", "--contract", "none.yaml", "--data", customers), "none.yaml")


@pytest.mark.parametrize("text", ["name: [", "name: shop", "{}", "name: Shop\n"])
def test_a_broken_contract_is_named_without_a_traceback(
    churn: Churn, customers: Path, tmp_path: Path, text: str
) -> None:
    (tmp_path / "broken.yaml").write_text(text)

    answer = churn("train", "--contract", "broken.yaml", "--data", customers)

    assert answer.returncode == 1
    assert answer.stderr.startswith("churn: broken.yaml")
    assert "Traceback" not in answer.stderr


def test_an_unknown_candidate_is_named_with_those_there_are(churn: Churn, customers: Path) -> None:
    answer = churn("train", "--contract", CONTRACT, "--data", customers, "--candidates", "logistic,oracle")

    assert_one_line(answer, "no candidate oracle", "logistic, random_forest")


def test_no_trials_are_refused(churn: Churn, customers: Path) -> None:
    assert_one_line(churn("train", "--contract", CONTRACT, "--data", customers, "--trials", "0"), "trials")


def test_a_table_that_is_none_is_named(churn: Churn, tmp_path: Path) -> None:
    (tmp_path / "photo.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))

    assert_one_line(churn("ingest", "--contract", CONTRACT, "--data", "photo.csv"), "photo.csv", "PNG")


@pytest.mark.parametrize("stage", ["evaluate", "register"])
def test_a_run_that_is_not_there_is_named(churn: Churn, stage: str) -> None:
    assert_one_line(churn(stage, "--run", "deadbeef"), "there is no run deadbeef")


@pytest.mark.parametrize("stage", ["evaluate", "register"])
def test_before_any_training_one_is_told_to_train(churn: Churn, stage: str) -> None:
    assert_one_line(churn(stage), "run `churn train`")


@pytest.mark.parametrize("words", [("promote",), ("promote", "--version", "3"), ("rollback",)])
def test_before_any_version_one_is_told_so(churn: Churn, words: tuple[str, ...]) -> None:
    assert_one_line(churn(*words))


def test_status_of_an_empty_home_says_so(churn: Churn) -> None:
    answer = churn("status")

    assert answer.returncode == 0, answer.stderr
    assert "production is empty" in answer.stdout


def test_a_model_name_that_no_registry_takes_is_refused(churn: Churn) -> None:
    answer = churn("status", CHURN_MODEL="A' or 1=1")

    assert_one_line(answer, "CHURN_MODEL")


def test_a_process_says_one_line_without_a_traceback(tmp_path: Path) -> None:
    assert_one_line(churn_process(tmp_path, "ingest", "--contract", CONTRACT, "--data", "none.csv"), "none.csv")


def test_ingest_takes_a_file_with_brackets_in_its_name(churn: Churn, customers: Path) -> None:
    answer = churn("ingest", "--contract", CONTRACT, "--data", customers)

    assert answer.returncode == 0, answer.stderr
    assert "300 rows of your file my [old] customers.csv: 300 accepted, 0 set aside" in answer.stdout


@pytest.mark.parametrize("words", [("train",), ("evaluate",), ("promote",), ("status",)])
def test_an_mlflow_that_is_away_is_one_clear_line_and_quick(
    churn: Churn, customers: Path, words: tuple[str, ...]
) -> None:
    more = ("--contract", CONTRACT, "--data", customers) if words == ("train",) else ()
    began = time.monotonic()

    answer = churn(*words, *more, MLFLOW_TRACKING_URI="http://127.0.0.1:9")

    assert_one_line(answer, "http://127.0.0.1:9")
    assert time.monotonic() - began < 30


@pytest.mark.slow
def test_an_mlflow_that_never_answers_is_one_clear_line_within_a_minute(churn: Churn) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        threading.Thread(target=_accept_and_wait, args=(silent,), daemon=True).start()
        began = time.monotonic()

        answer = churn("status", MLFLOW_TRACKING_URI=f"http://127.0.0.1:{port}")

        assert_one_line(answer, f"http://127.0.0.1:{port}")
        assert time.monotonic() - began < 60


def _accept_and_wait(server: socket.socket) -> None:
    kept = []
    while True:
        try:
            kept.append(server.accept())
        except OSError:
            return


def test_the_stages_hand_on_to_each_other(churn: Churn, customers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = ("--trials", "1", "--candidates", "logistic", "--seed", "1")
    trained = churn("train", "--contract", CONTRACT, "--data", customers, *few)
    assert trained.returncode == 0, trained.stderr
    assert "next: churn evaluate --run" in trained.stdout
    assert_one_line(churn("register"), "was not evaluated")

    evaluated = churn("evaluate")
    assert evaluated.returncode == 0, evaluated.stderr
    assert "66 held-out customers" in evaluated.stdout
    registered = churn("register")
    assert registered.returncode == 0, registered.stderr
    assert "next: churn promote --version 1" in registered.stdout

    with monkeypatch.context() as strict:
        strict.setattr(parameters, "FOLDER", _strict_parameters(customers.parent))
        _assert_the_gate_rejects(churn)
    promoted = churn("promote", "--reason", "[/first] try")
    assert promoted.returncode == 0, promoted.stderr
    assert "churn version 1 is in production" in promoted.stdout
    assert_one_line(churn("rollback"), "nothing was in production before version 1")
    assert_one_line(churn("promote", "--version", "9"), "no version 9")

    shown = churn("status")
    assert shown.returncode == 0, shown.stderr
    assert "production is version 1" in shown.stdout
    assert "[/first]" in shown.stdout
    machine = json.loads(churn("status", "--json").stdout)
    assert machine["production"]["version"] == 1
    moves = [(one["status"], one["actor"]) for one in machine["history"] if one["action"] == "promote"]
    assert moves == [("done", "tester"), ("prepared", "tester"), ("refused", "me"), ("prepared", "me")]


def _assert_the_gate_rejects(churn: Churn) -> None:
    judged, refused = churn("gate", "--actor", "me"), churn("promote", "--version", "1", "--actor", "me")
    assert (judged.returncode, refused.returncode) == (2, 2), judged.stderr
    assert "churn version 1, with nothing in production" in judged.stdout
    assert "churn version 1 was not promoted" in refused.stderr
    for said in (judged.stdout, refused.stderr):
        assert "REJECT: it may not take production's place" in said
        assert "the floor 0.9999" in said
    machine = json.loads(churn("gate", "--json").stdout)
    assert (machine["decision"], machine["passed"], machine["version"]) == ("reject", False, 1)
    assert_one_line(churn("promote", "--override"), "--override needs --reason")


def _strict_parameters(folder: Path) -> Path:
    made = folder / "parameters"
    made.mkdir(exist_ok=True)
    (made / "gate.yaml").write_text("min_roc_auc: 0.9999\n")
    shutil.copy(parameters.FOLDER / "guards.yaml", made)
    return made


def test_help_is_quick_and_names_every_stage(tmp_path: Path) -> None:
    began = time.monotonic()

    answer = churn_process(tmp_path, "--help")

    assert answer.returncode == 0
    assert time.monotonic() - began < 15
    for stage in ("ingest", "train", "evaluate", "register", "promote", "rollback", "status"):
        assert stage in answer.stdout
