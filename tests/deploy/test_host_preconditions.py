"""What is wrong with a host is said before anything is started: what, where, and what to do."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.host import compose
from deploy.host.failure import HostError
from deploy.host.preconditions import GIBIBYTE, is_built, is_free, objections, of_disk, of_images, of_memory

SETTINGS = {"COMPOSE_PROFILES": "core", "COMPOSE_PROJECT_NAME": "mine", "HOLDFAST_NET": "172.28.1"}
INFO = {"ServerVersion": "20.10", "DockerRootDir": "/nowhere/at/all", "MemTotal": 16 * GIBIBYTE}


class Engine:
    """A `docker` and a `docker-compose` that say what a test wants."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.says(info=INFO, networks=[], containers=[])
        self.compose_says("")

    def says(self, *, info: object = None, networks: object = None, containers: object = None) -> None:
        for name, value in (("info", info), ("networks", networks), ("containers", containers)):
            if value is not None:
                (self._folder / name).write_text(json.dumps(value))
        here = self._folder
        self._write(
            "docker",
            f'case "$1 $2" in "compose "*|"image "*) exit 1;; "info "*) cat {here}/info;;\n'
            f'"network ls") echo some;; "network inspect") cat {here}/networks;;\n'
            f'"ps "*) grep -q Ports {here}/containers && echo some;; "inspect "*) cat {here}/containers;; esac\nexit 0',
        )

    def compose_says(self, error: str) -> None:
        self._write("docker-compose", f"echo '{error}' >&2; exit {int(bool(error))}")

    def built(self, **revisions: str) -> None:
        """Let the images have these labels; the name is the last word of `docker image inspect -f … NAME`."""
        cases = "\n".join(f"*holdfast/{name}:local) echo {found};;" for name, found in revisions.items())
        self._write("docker", f'case "$*" in\n{cases}\nesac')

    def _write(self, name: str, script: str) -> None:
        (self._folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (self._folder / name).chmod(0o755)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return Engine(tmp_path)


@pytest.fixture(autouse=True)
def own_program() -> Iterator[None]:
    compose.program.cache_clear()
    yield
    compose.program.cache_clear()


def words_of(**more: str) -> list[str]:
    return [one.words for one in objections({**SETTINGS, **more}, must_build=False)]


@pytest.mark.usefixtures("engine")
def test_nothing_is_said_of_a_host_that_is_ready() -> None:
    assert words_of() == []
    assert not is_built("holdfast/serving:never")


def test_an_engine_that_does_not_answer_is_the_only_thing_said(engine: Engine) -> None:
    engine.says(info={})

    assert [words[:36] for words in words_of()] == ["the docker engine does not answer (`"]


def test_a_compose_file_that_does_not_hold_is_said_in_its_own_words(engine: Engine) -> None:
    engine.compose_says("HOLDFAST_NET: make secrets writes it")

    assert [one for one in words_of() if "HOLDFAST_NET: make secrets writes it" in one]


@pytest.mark.usefixtures("engine")
def test_a_port_that_another_program_holds_is_named_with_its_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        (found,) = words_of(HOLDFAST_FRONT_PORT=str(port))

    assert f"port {port}, meant for front" in found
    assert "HOLDFAST_FRONT_PORT" in found
    assert is_free(port)


def test_a_port_that_is_ours_already_is_no_trouble(engine: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as ours:
        port = str(ours.getsockname()[1])
        engine.says(containers=[{"NetworkSettings": {"Ports": {"8080/tcp": [{"HostPort": port}], "9/tcp": None}}}])

        assert words_of(HOLDFAST_FRONT_PORT=port) == []


def test_a_network_of_somebody_else_with_our_addresses_is_named(engine: Engine) -> None:
    taken = {"Name": "theirs", "Labels": {}, "IPAM": {"Config": [{"Subnet": "172.28.1.0/24"}]}}
    engine.says(networks=[taken])
    (found,) = words_of()
    engine.says(networks=[{**taken, "Labels": {"com.docker.compose.project": "mine"}}])

    assert "theirs has 172.28.1.0/24 already" in found
    assert words_of() == [], "our own network is there already"


def test_a_disk_that_is_nearly_full_stops_everything(tmp_path: Path) -> None:
    (found,) = of_disk(tmp_path, 1 << 60)

    assert found.is_fatal
    assert "GiB are free under" in found.words
    assert list(of_disk(tmp_path, 0)) == []


@pytest.mark.parametrize(("gibibytes", "is_fatal"), [(2, True), (4, False)])
def test_too_little_memory_stops_everything_and_less_than_is_good_is_only_said(gibibytes: int, is_fatal: bool) -> None:
    (found,) = of_memory(gibibytes * GIBIBYTE)

    assert found.is_fatal is is_fatal
    assert f"{gibibytes}.0 GiB" in found.words
    assert list(of_memory(16 * GIBIBYTE)) == []


def test_a_host_without_compose_is_refused(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del engine
    (tmp_path / "docker-compose").unlink()
    (tmp_path / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(HostError, match="neither `docker compose` nor `docker-compose`"):
        list(objections(SETTINGS, must_build=False))


def test_images_of_another_state_of_the_tree_are_warned_of(engine: Engine) -> None:
    engine.built(bento="b" * 40, serving="a" * 40, mlflow="unknown")
    names = ["holdfast/bento:local", "holdfast/mlflow:local", "holdfast/serving:local"]

    (one,) = of_images(names, "a" * 40)

    assert one.words.startswith("holdfast/bento:local was built at bbbbbbbbb, and this tree is at aaaaaaaaa: ")
    assert "`make update`" in one.words
    assert not one.is_fatal
    assert list(of_images(names[1:], "a" * 40)) == []
    assert list(of_images(names, "")) == [], "without git nobody knows"
