import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from churn.errors import NotFoundError, UsageError
from churn.stores.database import open_migrated
from churn.stores.releases import NewRelease, ReleaseStore
from cli.main import app
from tests.tracking import own_tracking


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReleaseStore:
    """An empty home."""
    monkeypatch.setenv("CHURN_HOME", str(tmp_path))
    engine = open_migrated(f"sqlite:///{tmp_path / 'churn.db'}")
    return ReleaseStore(engine)


def test_how_releases_stand_and_ended_is_told_the_newest_first(store: ReleaseStore) -> None:
    runner = CliRunner()
    assert "no release yet" in runner.invoke(app, ["release", "status"]).stdout
    first = store.begin(NewRelease("churn", 3, "shadow", "{}", "Ada", "better"))
    store.end(first.id, "rolled_back", "it failed")
    store.begin(NewRelease("churn", 4, "canary-1", "{}", "Grace", "mended"))

    lines = runner.invoke(app, ["release", "status"]).stdout.splitlines()
    told = json.loads(runner.invoke(app, ["release", "status", "--json"]).stdout)

    assert lines[0].startswith("release 2: version 4 is at canary-1 since ")
    assert lines[1].startswith("release 1: version 3 rolled back: it failed, by Ada at ")
    assert [one["status"] for one in told] == ["running", "rolled_back"]


@pytest.mark.usefixtures("store")
def test_nothing_can_be_stopped_when_nothing_is_under_way() -> None:
    with own_tracking(), pytest.raises(NotFoundError, match="no release is under way"):
        CliRunner().invoke(app, ["release", "stop"], catch_exceptions=False)


@pytest.mark.usefixtures("store")
def test_an_override_without_a_reason_is_refused() -> None:
    with pytest.raises(UsageError, match="--override needs --reason"):
        CliRunner().invoke(app, ["release", "start", "3", "--override"], catch_exceptions=False)
