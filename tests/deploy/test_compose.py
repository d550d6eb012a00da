"""docker-compose.yml, read as it is written: no engine is asked."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import AliasChoices
from pydantic_settings import BaseSettings

from deploy.host import environment
from deploy.host.secrets import values_of
from deploy.host.variables import PROFILES, VARIABLES
from monitoring.settings import MonitoringSettings
from pipelines.settings import PipelineSettings
from services.settings import ServiceSettings

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "docker-compose.yml"
TEXT = FILE.read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
NAMES = sorted(SERVICES)
CHANGE_USER = {"postgres", "mariadb"}
"""Their images begin as root and become another user by themselves."""

NEEDED = {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}
VARIABLE = re.compile(r"\$\{(\w+)(:?[?-])?([^{}]*)\}")
OF_COMPOSE = {"COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES"}
MAY_BE_EMPTY = {
    "HOLDFAST_S3_ACCESS_KEY", "HOLDFAST_S3_SECRET_KEY", "HOLDFAST_TRAFFIC_KEY", "HOLDFAST_TOKEN_SECRET_BEFORE",
    "HOLDFAST_REDIS_URL",
}  # fmt: skip
"""Secrets of what not everybody has; the file must still say that it is so."""

NO_SETTINGS = {"front", "grafana"}
"""They read CHURN_ names in a file of their own: the front's template, the provisioning."""


def asked() -> Iterator[tuple[str, str, str]]:
    """Yield each use of a variable: its name, what follows it, and the words after that."""
    code = "\n".join(line for line in TEXT.splitlines() if not line.lstrip().startswith("#"))
    for found in VARIABLE.finditer(code):
        yield found[1], found[2] or "", found[3]


def settings_names() -> set[str]:
    names: set[str] = set()
    for each in (ServiceSettings, MonitoringSettings, PipelineSettings):
        names |= set(names_of(each))
    return names


def names_of(settings: type[BaseSettings]) -> Iterator[str]:
    for name, field in settings.model_fields.items():
        alias = field.validation_alias
        if isinstance(alias, AliasChoices):
            yield from map(str, alias.choices)
        else:
            yield f"CHURN_{name.upper()}"


def sources(service: dict[str, Any]) -> Iterator[str]:
    """Yield what is mounted, by its variable's default."""
    for volume in service.get("volumes", ()):
        yield VARIABLE.sub(lambda found: found[3], volume).split(":")[0]


def test_every_variable_is_written_by_make_secrets_and_each_that_is_written_is_used() -> None:
    written = {one.name for one in VARIABLES}

    assert {name for name, _, _ in asked()} == written - OF_COMPOSE


def test_no_secret_has_a_default() -> None:
    secret = {one.name for one in VARIABLES if one.is_secret}
    for name, operator, words in asked():
        if name in secret:
            assert operator == ("?" if name in MAY_BE_EMPTY else ":?"), name
            assert words == "make secrets writes it"


def test_what_sounds_like_a_secret_is_one() -> None:
    sounds = {name for name, _, _ in asked() if re.search("PASSWORD|SECRET|_KEY|_URL", name)}

    assert sounds <= {one.name for one in VARIABLES if one.is_secret}


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_is_on_a_command_line(name: str) -> None:
    service = SERVICES[name]
    words = yaml.safe_dump([service.get("command"), service.get("entrypoint"), service["healthcheck"]])
    secret = {one.name for one in VARIABLES if one.is_secret}

    assert not {found[1] for found in VARIABLE.finditer(words)} & secret


@pytest.mark.parametrize("name", NAMES)
def test_only_the_front_is_open_to_other_machines(name: str) -> None:
    ports = SERVICES[name].get("ports", [])

    assert all(port.startswith("127.0.0.1:") for port in ports) or name == "front"
    assert all(re.fullmatch(r"(127\.0\.0\.1:)?\$\{HOLDFAST_[A-Z]+_PORT:-\d+\}:\d+", port) for port in ports)


@pytest.mark.parametrize("name", NAMES)
def test_a_service_may_do_no_more_than_it_has_to(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    if name in CHANGE_USER:
        assert set(service["cap_add"]) == NEEDED
        assert "user" not in service
    else:
        assert "cap_add" not in service
        assert re.fullmatch(r"[1-9]\d*:\d+", service["user"])
    assert not {"privileged", "pid", "ipc", "network_mode", "devices"} & set(service)
    assert all("docker.sock" not in source for source in sources(service))


@pytest.mark.parametrize("name", NAMES)
def test_a_service_has_limits_a_health_check_rotated_logs_and_time_to_stop(name: str) -> None:
    service = SERVICES[name]

    assert service["mem_limit"]
    assert service["cpus"]
    assert service["pids_limit"]
    assert service["init"] is True
    assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}
    assert int(service["stop_grace_period"].removesuffix("s")) >= 30
    assert all(re.search(r":size=\d+[mgk]", each) for each in service["tmpfs"])
    if name == "migrate":
        assert service["restart"] == "no"
    else:
        assert service["restart"] == "unless-stopped"
        assert {"test", "interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])


def test_a_door_has_more_time_to_stop_than_it_needs_to_drain() -> None:
    for name in ("bento", "fastapi"):
        door = SERVICES[name]
        drain = int(door["environment"]["CHURN_DRAIN_SECONDS"])

        assert int(door["stop_grace_period"].removesuffix("s")) >= drain + 10


@pytest.mark.parametrize("name", NAMES)
def test_an_image_is_pinned(name: str) -> None:
    image, _, tag = SERVICES[name]["image"].partition(":")

    assert tag
    assert tag != "latest"
    assert image.startswith("holdfast/") == (tag == "${HOLDFAST_TAG:-local}")


def test_profiles_are_those_that_make_secrets_knows() -> None:
    assert {profile for service in SERVICES.values() for profile in service["profiles"]} == set(PROFILES)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_waits_for_what_its_profile_may_lack(name: str) -> None:
    for other in SERVICES[name].get("depends_on", {}):
        assert set(SERVICES[other]["profiles"]) & {"core", *SERVICES[name]["profiles"]}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_mounted_is_there(name: str) -> None:
    volumes = yaml.safe_load(TEXT)["volumes"]
    for source in sources(SERVICES[name]):
        assert (ROOT / source).is_dir() if source.startswith(".") else source in volumes


def test_folders_of_this_repository_are_mounted_read_only() -> None:
    mounts = [each for service in SERVICES.values() for each in service.get("volumes", ()) if "./" in each]

    assert mounts
    assert all(each.endswith(":ro") for each in mounts)


@pytest.mark.parametrize("name", sorted(set(NAMES) - NO_SETTINGS))
def test_every_setting_exists(name: str) -> None:
    given = {each for each in SERVICES[name].get("environment", {}) if each.startswith("CHURN_")}

    assert given <= settings_names()


def test_the_front_and_grafana_are_told_what_their_files_ask_for() -> None:
    template = (ROOT / "deploy" / "nginx" / "templates" / "front.conf.template").read_text(encoding="utf-8")
    provisioning = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "grafana" / "provisioning").rglob("*.yaml")
    )

    assert set(re.findall(r"\$\{(CHURN_\w+)\}", template)) == set(SERVICES["front"]["environment"])
    assert set(re.findall(r"\$(CHURN_\w+)", provisioning)) <= set(SERVICES["grafana"]["environment"])


def test_prometheus_asks_services_at_the_ports_that_they_listen_on() -> None:
    configuration = yaml.safe_load((ROOT / "monitoring" / "prometheus" / "prometheus.compose.yml").read_text("utf-8"))
    targets = [job["static_configs"][0]["targets"][0].partition(":") for job in configuration["scrape_configs"]]

    assert {name for name, _, _ in targets} - {"127.0.0.1"} <= set(SERVICES)
    for name, _, port in targets:
        if name in SERVICES:
            assert port in yaml.safe_dump(SERVICES[name]["healthcheck"])


def test_the_front_has_the_address_that_the_doors_believe() -> None:
    address = SERVICES["front"]["networks"]["holdfast"]["ipv4_address"]

    for name, variable in (("bento", "CHURN_BENTO_ADDRESS"), ("fastapi", "CHURN_FASTAPI_ADDRESS")):
        door = SERVICES[name]
        assert door["environment"]["CHURN_TRUSTED_PROXIES"] == address
        asked_at, _, port = SERVICES["front"]["environment"][variable].rpartition(":")
        assert asked_at == door["networks"]["holdfast"]["ipv4_address"]
        assert port in door["healthcheck"]["test"]


def config(folder: Path, given: dict[str, str], **changes: str) -> subprocess.CompletedProcess[str]:
    """Let docker-compose read the file with the variables of a new installation."""
    if shutil.which("docker-compose") is None:
        pytest.skip("docker-compose is not installed")
    values = values_of(list(VARIABLES), {}, given={"HOLDFAST_NET": "10.83.16", **given})
    environment.write({**values, **changes}, folder / ".env")
    files = ["--project-directory", str(ROOT), "--env-file", str(folder / ".env"), "-f", str(FILE)]
    command = ["docker-compose", *files, "config", "-q"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "profiles", ["core", "core,monitoring,redis", "core,mysql", "core,monitoring,grafana,mysql,redis,demo"]
)
def test_compose_accepts_the_file(profiles: str, tmp_path: Path) -> None:
    done = config(tmp_path, {"COMPOSE_PROFILES": profiles})

    assert (done.returncode, done.stderr) == (0, "")


def test_compose_refuses_to_start_without_a_secret(tmp_path: Path) -> None:
    done = config(tmp_path, {}, HOLDFAST_TOKEN_SECRET="")

    assert done.returncode
    assert "make secrets writes it" in done.stderr
