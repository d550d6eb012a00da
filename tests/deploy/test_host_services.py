"""Which services run, and how each fares: without an engine, but with its words."""

import subprocess
from pathlib import Path

import pytest
import yaml

from deploy.host.checks.check import failures
from deploy.host.checks.engine import RUNBOOKS, of_engine
from deploy.host.checks.installation import Installation
from deploy.host.failure import HostError
from deploy.host.readiness import has_failed, unwell, wait_for
from deploy.host.services import ONE_SHOT, PROFILES, PUBLISHED, Service, active, seen

ROOT = Path(__file__).parent.parent.parent
WELL = Service("bento", "1", "running", "healthy")

ENGINE = """#!/bin/sh
case "$1" in
  ps) echo a b ;;
  logs) echo "no such table: predictions" ;;
  inspect) cat <<'JSON'
[{"Id": "a", "Config": {"Labels": {"com.docker.compose.service": "bento"}},
  "State": {"Status": "running", "ExitCode": 0, "Health": {"Status": "unhealthy", "Log": [{"Output": "refused\\n"}]}}},
 {"Id": "b", "Config": {"Labels": {"com.docker.compose.service": "migrate"}},
  "State": {"Status": "exited", "ExitCode": 3, "Health": null}}]
JSON
  ;;
esac
"""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `docker` that tells of two services, neither of them well."""
    program = tmp_path / "docker"
    program.write_text(ENGINE)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


def test_the_table_of_profiles_is_what_the_compose_file_says() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]

    told = {profile: {name for name, one in services.items() if one["profiles"] == [profile]} for profile in PROFILES}

    assert told == {profile: set(names) for profile, names in PROFILES.items()}
    assert {name for name, one in services.items() if one.get("restart") == "no"} == set(ONE_SHOT)
    assert {name for name, one in services.items() if one.get("ports")} == set(PUBLISHED)
    for name, variable in PUBLISHED.items():
        assert variable in services[name]["ports"][0]


def test_every_runbook_that_a_check_names_is_there() -> None:
    assert [place for place in RUNBOOKS.values() if not (ROOT / place).is_file()] == []


def test_services_are_those_of_the_active_profiles() -> None:
    found = active({"COMPOSE_PROFILES": "core, redis"})

    assert set(found) == {*PROFILES["core"], "redis"}


@pytest.mark.parametrize(("profiles", "words"), [("core,mongo", "mongo"), ("redis", "no `core`"), ("", "no `core`")])
def test_profiles_that_can_not_work_are_refused(profiles: str, words: str) -> None:
    with pytest.raises(HostError, match=words):
        active({"COMPOSE_PROFILES": profiles})


@pytest.mark.parametrize(
    ("service", "is_well", "words"),
    [
        (WELL, True, "healthy"),
        (Service("bento", "1", "running"), True, "running"),
        (Service("bento", "1", "running", "starting"), False, "starting"),
        (Service("bento", "1", "running", "unhealthy", last_words="refused"), False, "unhealthy: refused"),
        (Service("bento", "1", "exited"), False, "exited with status 0"),
        (Service("migrate", "1", "exited"), True, "done"),
        (Service("migrate", "1", "exited", exit_code=3), False, "exited with status 3"),
        (Service("migrate", "1", "running"), False, "running"),
    ],
)
def test_a_service_is_well_when_it_runs_and_is_healthy_or_has_ended_as_it_should(
    service: Service, is_well: bool, words: str
) -> None:
    assert (service.is_well, service.words) == (is_well, words)


def test_who_was_never_started_is_awaited_too() -> None:
    assert unwell(["bento", "front"], {"bento": WELL}) == {"front": "not started"}


def test_only_what_runs_once_fails_for_good() -> None:
    assert has_failed(Service("migrate", "1", "exited", exit_code=1))
    assert not has_failed(Service("migrate", "1", "exited"))
    assert not has_failed(Service("bento", "1", "exited", exit_code=1)), "it is started again"


@pytest.mark.usefixtures("engine")
def test_the_engine_tells_how_each_service_fares() -> None:
    found = seen("any")

    assert found["bento"].words == "unhealthy: refused"
    assert found["migrate"].words == "exited with status 3"


@pytest.mark.usefixtures("engine")
def test_waiting_ends_at_once_with_the_last_words_of_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(HostError, match=r"migrate is not well: exited with status 3.*docker-compose logs"):
        wait_for(["bento", "migrate"], "any", seconds=600)

    assert "--- last lines of migrate\nno such table: predictions" in capsys.readouterr().out


@pytest.mark.usefixtures("engine")
def test_an_engine_that_does_not_answer_is_told(tmp_path: Path) -> None:
    (tmp_path / "docker").write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n")

    with pytest.raises(HostError, match="Cannot connect"):
        seen("any")


def test_commands_of_the_host_need_nothing_but_the_standard_library() -> None:
    code = "import sys; sys.path.insert(0, '.'); from deploy.host.__main__ import main; main(['up', '--help'])"
    done = subprocess.run(
        ["/usr/bin/env", "python3", "-I", "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "--data" in done.stdout


@pytest.mark.usefixtures("engine")
def test_what_comes_from_a_service_that_does_not_run_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.host.checks.engine.SLOW_SECONDS", 0.0)
    at = Installation({"COMPOSE_PROJECT_NAME": "mine", "COMPOSE_PROFILES": "core"})

    wrong = failures(of_engine(at))

    assert len(wrong) == len(at.services)
    assert at.away == {*at.services} - {"bento"}, "one that runs and is not well may become so"
    assert at.patience(60.0, "bento") == 60.0
    assert at.patience(60.0, "bento", "fastapi") == 0.0
