import shutil
import threading
from pathlib import Path

import pytest

from churn.errors import ModelNotReadyError
from services.live import LiveModel
from services.settings import ServiceSettings
from services.worker import Worker
from tests.services.conftest import promote_on_disk


def test_a_promotion_is_followed_and_a_rollback_too(
    settings: ServiceSettings, bundle_folder: Path, other_bundle: Path
) -> None:
    live = LiveModel("fastapi", settings)
    seen = []
    for folder, version in [(bundle_folder, 1), (other_bundle, 2), (bundle_folder, 1)]:
        promote_on_disk(settings, folder, version=version)
        live.follow()
        seen.append(live.require().scorer.version)

    assert seen == [1, 2, 1]
    assert live.failures == 0


def test_without_a_bundle_there_is_nothing_to_serve(settings: ServiceSettings) -> None:
    live = LiveModel("fastapi", settings)
    live.follow()

    with pytest.raises(ModelNotReadyError, match="no model is in production"):
        live.require()


@pytest.mark.parametrize("file", ["model.onnx", "golden.json", "contract.yaml", "policy.json", "manifest.json"])
def test_a_damaged_bundle_never_replaces_a_good_one(
    settings: ServiceSettings, bundle_folder: Path, other_bundle: Path, file: str
) -> None:
    promote_on_disk(settings, bundle_folder, version=1)
    live = LiveModel("fastapi", settings)
    live.follow()
    digest = promote_on_disk(settings, other_bundle, version=2)
    damaged = settings.bundle_folder / digest / file
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"#")
    live.follow()

    assert live.require().scorer.version == 1
    assert live.failures == 1
    assert live.problem

    shutil.rmtree(settings.bundle_folder / digest)
    promote_on_disk(settings, other_bundle, version=2)
    live.follow()
    assert live.require().scorer.version == 2
    assert live.problem == ""


def test_a_bad_bundle_is_not_read_again_and_again(settings: ServiceSettings, bundle_folder: Path) -> None:
    digest = promote_on_disk(settings, bundle_folder, version=1)
    (settings.bundle_folder / digest / "model.onnx").write_bytes(b"")
    live = LiveModel("fastapi", settings)
    for _ in range(10):
        live.follow()

    assert live.failures == 1


@pytest.mark.parametrize("content", [b"", b"{", b'{"name": "churn", "version": 1, "digest": "../../etc"}', b"\xff"])
def test_an_unreadable_pointer_changes_nothing(settings: ServiceSettings, bundle_folder: Path, content: bytes) -> None:
    promote_on_disk(settings, bundle_folder, version=1)
    live = LiveModel("fastapi", settings)
    live.follow()
    settings.pointer_file.write_bytes(content)
    live.follow()

    assert live.require().scorer.version == 1


def test_a_pointer_of_another_model_is_passed_over(settings: ServiceSettings, bundle_folder: Path) -> None:
    promote_on_disk(settings.model_copy(update={"model": "other"}), bundle_folder, version=1)
    live = LiveModel("fastapi", settings)
    live.follow()

    assert live.served is None


def test_a_running_worker_takes_a_promotion_up_by_itself(worker: Worker, other_bundle: Path) -> None:
    promote_on_disk(worker.settings, other_bundle, version=2)

    waiting = threading.Event()
    for _ in range(250):
        if worker.live.require().scorer.version == 2:
            break
        waiting.wait(0.02)
    assert worker.live.require().scorer.version == 2
