"""Register, promote and roll back: what is refused, what is written down, and who wins."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from churn.contract.column import Column
from churn.contract.contract import Contract
from churn.errors import BundleError, ConflictError, ContractError, NotFoundError, StoreError, UsageError
from churn.evaluation.gate import Gate
from churn.stores.database import open_database, open_migrated
from churn.stores.leases import hold_lease
from churn.stores.promotions import Promotion, PromotionLog
from churn.stores.registry import ModelRegistry
from pipelines import promote as promoting
from pipelines.canary import set_canary
from pipelines.evaluate import evaluate
from pipelines.gate import judge_version
from pipelines.holdout import Holdout, read_holdout
from pipelines.moves import Order
from pipelines.moving import Mover, Step
from pipelines.promote import activate, promote, rollback
from pipelines.register import note_registered, register
from pipelines.status import status
from pipelines.tracking import find_training, open_tracking
from pipelines.training_log import HOLDOUT, PIPELINE_PROBABILITY
from tests.pipelines.conftest import Home, copied
from tests.tracking import own_tracking

ORDER = Order("a test", "because")
FORCED = Order("a test", "because", is_override=True)
"""Between equal versions, of which the gate holds the second."""

OPEN = Gate(min_roc_auc=0.5)
SHUT = Gate(min_roc_auc=0.999)


@pytest.fixture(scope="module")
def evaluated_once(trained_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Read only, as the two that follow; the tests write in copies."""
    with own_tracking():
        home = copied(trained_home, tmp_path_factory.mktemp("evaluated") / "home")
        evaluate(home.trained.run_id, settings=home.settings)
    return home


@pytest.fixture(scope="module")
def registered_once(evaluated_once: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    with own_tracking():
        home = copied(evaluated_once, tmp_path_factory.mktemp("registered") / "home")
        register(home.trained.run_id, settings=home.settings)
    return home


@pytest.fixture(scope="module")
def registered_twice(registered_once: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    with own_tracking():
        home = copied(registered_once, tmp_path_factory.mktemp("twice") / "home")
        registry = ModelRegistry(home.settings.tracking_uri)
        first = registry.version("churn", 1)
        uri = find_training(home.settings, first.run_id).data.tags["model_uri"]
        again = registry.register("churn", uri, run_id=first.run_id, digest=first.digest, tags={})
        note_registered(again, "a test", "the same once more", settings=home.settings)
    return home


@pytest.fixture
def evaluated(evaluated_once: Home, tmp_path: Path) -> Home:
    return copied(evaluated_once, tmp_path / "evaluated")


@pytest.fixture
def registered(registered_once: Home, tmp_path: Path) -> Home:
    return copied(registered_once, tmp_path / "registered")


@pytest.fixture
def two_versions(registered_twice: Home, tmp_path: Path) -> Home:
    """The same bundle as two versions: what differs is the number."""
    return copied(registered_twice, tmp_path / "twice")


def production(home: Home) -> int | None:
    found = ModelRegistry(home.settings.tracking_uri).production("churn")
    return found.version if found else None


def audit(home: Home) -> list[Promotion]:
    found = PromotionLog(open_database(home.settings.database_url)).history("churn")
    return [one for one in found if one.action != "register"]


def artifact(home: Home, name: str) -> Path:
    uri = find_training(home.settings, home.trained.run_id).info.artifact_uri
    return Path(str(uri).removeprefix("file://")) / name


def logged_bundle(home: Home) -> Path:
    uri = find_training(home.settings, home.trained.run_id).data.tags["model_uri"]
    model = mlflow.MlflowClient().get_logged_model(uri.removeprefix("models:/"))
    return Path(str(model.artifact_location).removeprefix("file://")) / "artifacts" / "bundle"


def test_an_evaluation_measures_the_bundle_on_the_held_out_customers(home: Home) -> None:
    found = evaluate(None, settings=home.settings)

    run = find_training(home.settings, home.trained.run_id)
    assert found.run_id == home.trained.run_id
    assert found.rows == 187
    assert run.data.metrics["holdout_roc_auc"] == found.metrics["roc_auc"]
    assert found.metrics["roc_auc_low"] < found.metrics["roc_auc"] < found.metrics["roc_auc_high"]
    assert len(mlflow.MlflowClient().list_artifacts(run.info.run_id, "plots/holdout")) == 5


def test_a_run_that_was_not_evaluated_is_not_registered(home: Home) -> None:
    with pytest.raises(UsageError, match=r"was not evaluated: run `churn evaluate --run"):
        register(home.trained.run_id, settings=home.settings)


def test_a_bundle_is_registered_once_with_digest_card_and_proof(evaluated: Home) -> None:
    first, second = (register(None, settings=evaluated.settings) for _ in range(2))

    assert (first.version, second.version) == (1, 1)
    assert first.digest == evaluated.trained.digest
    assert float(first.tags["parity_max_difference"]) <= 1e-5
    assert first.tags["parity_rows"] == "187"
    described = mlflow.MlflowClient().get_model_version("churn", "1").description
    assert described.startswith("# Who leaves: telco")


def test_a_graph_that_is_not_its_pipeline_is_not_registered(evaluated: Home) -> None:
    path = artifact(evaluated, HOLDOUT)
    frame = pd.read_parquet(path)
    frame.loc[17, PIPELINE_PROBABILITY] += 2e-5
    frame.to_parquet(path, index=False)

    with pytest.raises(BundleError, match=r"not equal to the pipeline: row 18 of 187 .* Nothing was registered"):
        register(None, settings=evaluated.settings)

    assert ModelRegistry(evaluated.settings.tracking_uri).versions("churn") == []


@pytest.mark.parametrize("name", ["model.onnx", "policy.json", "manifest.json"])
def test_a_bundle_that_was_tampered_with_is_not_registered_though_a_sound_copy_is_here(
    evaluated: Home, name: str
) -> None:
    path = logged_bundle(evaluated) / name
    path.write_bytes(path.read_bytes() + b" ")

    with pytest.raises(BundleError, match=r"is not the file that was sealed|was registered"):
        register(None, settings=evaluated.settings)

    assert ModelRegistry(evaluated.settings.tracking_uri).versions("churn") == []


@pytest.mark.parametrize("run_id", ["nothing", "0" * 32, "../../etc"])
def test_a_run_that_is_not_there_is_named(home: Home, run_id: str) -> None:
    with pytest.raises(NotFoundError, match=f"there is no run {run_id}"):
        evaluate(run_id, settings=home.settings)


def test_a_trial_is_not_a_training(home: Home) -> None:
    trial = next(
        one.info.run_id
        for one in mlflow.search_runs(search_all_experiments=True, output_format="list")
        if "mlflow.parentRunId" in one.data.tags
    )

    with pytest.raises(UsageError, match=f"run {trial} is not a training"):
        evaluate(trial, settings=home.settings)


def test_a_promotion_moves_the_alias_and_leaves_both_halves_in_the_audit(registered: Home) -> None:
    found = promote(None, ORDER, OPEN, settings=registered.settings)

    assert found.verdict.passed
    assert (found.version, found.before) == (1, None)
    assert production(registered) == 1
    done, prepared = audit(registered)
    assert (prepared.status, done.status) == ("prepared", "done")
    assert (done.actor, done.reason, done.from_version, done.to_version) == ("a test", "because", None, 1)
    assert set(prepared.details) == {"digest", "expected", "decision", "reasons", "metrics", "report"}
    assert mlflow.MlflowClient().get_model_version("churn", "1").current_stage == "Production"


def test_a_candidate_below_the_floor_is_refused_and_the_audit_says_why(registered: Home) -> None:
    found = promote(1, ORDER, SHUT, settings=registered.settings)

    assert not found.verdict.passed
    assert production(registered) is None
    refused, _ = audit(registered)
    assert refused.status == "refused"
    assert "the floor 0.9990" in refused.reason
    assert ModelRegistry(registered.settings.tracking_uri).version("churn", 1).tags["validation_status"] == "refused"


def test_a_version_that_equals_production_is_held_and_the_audit_says_why(two_versions: Home) -> None:
    promote(1, ORDER, OPEN, settings=two_versions.settings)

    found = promote(2, ORDER, OPEN, settings=two_versions.settings)

    assert (found.outcome, found.has_moved, production(two_versions)) == ("held", False, 1)
    refused, prepared = audit(two_versions)[:2]
    assert refused.status == "refused"
    assert refused.reason.startswith("hold: a campaign to 20% of the customers earns")
    assert prepared.details["decision"] == "hold"
    tags = ModelRegistry(two_versions.settings.tracking_uri).version("churn", 2).tags
    assert (tags["validation_status"], tags["gate_decision"]) == ("held", "hold")


def test_a_version_that_was_not_made_by_register_is_not_promoted(registered: Home) -> None:
    registry = ModelRegistry(registered.settings.tracking_uri)
    first = registry.version("churn", 1)
    uri = find_training(registered.settings, first.run_id).data.tags["model_uri"]
    registry.register("churn", uri, run_id=first.run_id, digest="", tags={})

    with pytest.raises(BundleError, match="carries no digest"):
        promote(2, ORDER, OPEN, settings=registered.settings)

    assert production(registered) is None


def test_a_version_whose_files_changed_after_registration_is_not_promoted(registered: Home) -> None:
    shutil.rmtree(registered.settings.bundle_folder)
    path = logged_bundle(registered) / "policy.json"
    path.write_text(path.read_text().replace("0.", "0.9"))

    with pytest.raises(BundleError, match="is not the file that was sealed"):
        promote(1, ORDER, OPEN, settings=registered.settings)

    assert production(registered) is None


def test_a_version_that_is_not_there_is_named(registered: Home) -> None:
    with pytest.raises(NotFoundError, match="churn has no version 7"):
        promote(7, ORDER, OPEN, settings=registered.settings)


def test_nothing_registered_says_what_to_run(home: Home) -> None:
    with pytest.raises(NotFoundError, match="run `churn train`"):
        promote(None, ORDER, OPEN, settings=home.settings)


def test_while_somebody_else_promotes_one_is_told_who(registered: Home) -> None:
    engine = open_migrated(registered.settings.database_url)

    with (
        hold_lease(engine, "promote:churn", owner="a colleague", seconds=60),
        pytest.raises(ConflictError, match="held by a colleague"),
    ):
        promote(1, ORDER, OPEN, settings=registered.settings)

    assert production(registered) is None


def test_an_alias_that_moved_while_the_version_was_judged_stays_where_it_was_moved(
    two_versions: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = ModelRegistry(two_versions.settings.tracking_uri)

    def judge_slowly(*given: object, **more: object) -> object:
        registry.move_production(registry.version("churn", 2))
        return judge_version(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(promoting, "judge_version", judge_slowly)

    with pytest.raises(ConflictError, match="changed while this move was judged"):
        promote(1, ORDER, OPEN, settings=two_versions.settings)

    assert production(two_versions) == 2
    assert audit(two_versions)[0].status == "failed"


def test_rolling_back_gives_the_alias_to_the_version_before(two_versions: Home) -> None:
    settings = two_versions.settings
    for version in (1, 2):
        promote(version, FORCED, OPEN, settings=settings)

    found = rollback(Order("me", "it was bad"), settings=settings)

    assert (found.version, found.before) == (1, 2)
    assert production(two_versions) == 1
    assert (audit(two_versions)[0].action, audit(two_versions)[0].status) == ("rollback", "done")


def test_promoting_production_once_more_does_not_hide_the_version_before(two_versions: Home) -> None:
    settings = two_versions.settings
    for version in (1, 2, 2):
        promote(version, FORCED, OPEN, settings=settings)
    registry, engine = ModelRegistry(settings.tracking_uri), open_migrated(settings.database_url)
    with hold_lease(engine, "promote:churn", owner="a test", seconds=60) as lease:
        mover = Mover("churn", registry, PromotionLog(engine), lease)
        for _ in range(30):
            mover.refuse(Step("promote", "production", None, registry.version("churn", 1), "a test", "no"))

    assert rollback(ORDER, settings=settings).version == 1


def test_an_override_moves_although_the_gate_says_no_and_the_audit_keeps_what_it_said(registered: Home) -> None:
    found = promote(1, Order("a test", "on my head", is_override=True), SHUT, settings=registered.settings)

    assert (found.has_moved, found.verdict.passed) == (True, False)
    assert production(registered) == 1
    done = audit(registered)[0]
    assert done.status == "done"
    assert done.reason.startswith("on my head (overriding the gate: roc_auc")
    assert ModelRegistry(registered.settings.tracking_uri).version("churn", 1).tags["validation_status"] == "overridden"


def test_the_way_back_needs_no_gate_and_the_way_on_does(two_versions: Home) -> None:
    settings = two_versions.settings
    for version in (1, 2):
        promote(version, FORCED, OPEN, settings=settings)

    back = activate(1, ORDER, SHUT, settings=settings)
    on = activate(2, ORDER, SHUT, settings=settings)

    assert (back.has_moved, back.version, back.before) == (True, 1, 2)
    assert (on.has_moved, production(two_versions)) == (False, 1)
    assert [(one.action, one.status) for one in audit(two_versions)[:4:2]] == [
        ("promote", "refused"),
        ("rollback", "done"),
    ]


def test_an_earlier_version_that_was_never_in_production_needs_the_gate(two_versions: Home) -> None:
    promote(2, ORDER, OPEN, settings=two_versions.settings)

    assert not activate(1, ORDER, SHUT, settings=two_versions.settings).has_moved


def test_there_is_no_way_back_before_the_first_version(registered: Home) -> None:
    with pytest.raises(NotFoundError, match="no version of churn is in production"):
        rollback(ORDER, settings=registered.settings)
    promote(1, ORDER, OPEN, settings=registered.settings)
    with pytest.raises(NotFoundError, match="nothing was in production before version 1"):
        rollback(ORDER, settings=registered.settings)


def test_status_shows_versions_production_and_moves(two_versions: Home) -> None:
    assert {one.action for one in status(settings=two_versions.settings).history} == {"register"}

    promote(2, ORDER, OPEN, settings=two_versions.settings)
    found = status(settings=two_versions.settings)

    assert [one.version for one in found.versions] == [2, 1]
    assert found.production is not None
    assert found.production.version == 2
    assert [one.status for one in found.history if one.action == "promote"] == ["done", "prepared"]


def test_a_column_that_production_reads_and_these_rows_lack_is_missing(telco: Contract) -> None:
    rows = pd.DataFrame({"tenure": np.array([1, 2], np.float32)})
    holdout = Holdout(rows, np.array([0, 1]), np.array(["a", "b"]), np.zeros(2))

    columns = holdout.columns(telco)

    assert columns["MonthlyCharges"].dtype == np.float32
    assert np.isnan(columns["MonthlyCharges"]).all()
    assert columns["gender"].dtype == object
    assert columns["gender"].tolist() == ["", ""]


def test_a_column_that_changed_its_kind_between_contracts_is_named(telco: Contract, home: Home) -> None:
    holdout = read_holdout(find_training(home.settings, None))
    changed = {**telco.columns, "gender": Column(type="number"), "tenure": Column(type="category", accept_unknown=True)}

    with pytest.raises(ContractError, match="column 'gender' was a number in one version's contract"):
        holdout.columns(telco.model_copy(update={"columns": changed}))


RACE = """
import sys, time
from pathlib import Path
from churn.settings import set_library_defaults
set_library_defaults()
from churn.errors import ConflictError
from churn.evaluation.gate import Gate
from churn.stores.database import open_migrated
from pipelines.moves import Order
from pipelines.promote import promote
from pipelines.settings import PipelineSettings
from pipelines.tracking import open_tracking
settings = PipelineSettings(home=Path(sys.argv[1]))
open_tracking(settings)
print("ready", flush=True)
sys.stdin.readline()
try:
    order = Order(sys.argv[2], "race", is_override=True)
    found = promote(2, order, Gate(min_roc_auc=0.5), settings=settings)
    print("done", found.before, flush=True)
except ConflictError as error:
    print("conflict", error, flush=True)
"""


@pytest.mark.slow
def test_of_two_promotions_at_once_one_wins_and_the_other_is_told(two_versions: Home, tmp_path: Path) -> None:
    settings = two_versions.settings
    promote(1, ORDER, OPEN, settings=settings)
    script = tmp_path / "race.py"
    script.write_text(RACE)
    root = Path(__file__).parent.parent.parent
    racers = [
        subprocess.Popen(
            [sys.executable, str(script), str(settings.home), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
        )
        for name in ("first", "second")
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"

    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    said = [racer.communicate(timeout=60)[0] for racer in racers]

    assert production(two_versions) == 2
    changes = [one for one in audit(two_versions) if one.status == "done" and one.from_version == 1]
    assert len(changes) == 1
    assert sorted(line.split()[0] for line in said) in (["conflict", "done"], ["done", "done"])
    assert [line for line in said if line.startswith("done 1")]
    assert all("held by" in line or line.startswith("done") for line in said)


def test_a_registry_that_is_away_is_a_store_error(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    away = home.settings.model_copy(update={"tracking": "http://127.0.0.1:9"})

    with pytest.raises(StoreError, match=r"127\.0\.0\.1:9"):
        promote(1, ORDER, OPEN, settings=away)


def test_copies_of_the_home_do_not_see_each_other(copy_home: Callable[[], Home]) -> None:
    one, other = copy_home(), copy_home()
    evaluate(None, settings=other.settings)

    open_tracking(one.settings)
    assert "holdout_roc_auc" not in find_training(one.settings, None).data.metrics


def test_a_canary_that_is_promoted_is_no_canary_any_more(two_versions: Home) -> None:
    settings, registry = two_versions.settings, ModelRegistry(two_versions.settings.tracking_uri)
    promote(1, ORDER, OPEN, settings=settings)
    set_canary(2, 0.2, ORDER, settings=settings)

    promote(2, Order("a test", "because", is_override=True), OPEN, settings=settings)

    assert production(two_versions) == 2
    assert registry.aliased("churn", "canary") is None
    assert [(move.action, move.alias) for move in audit(two_versions)[:2]] == [("take", "canary")] * 2
