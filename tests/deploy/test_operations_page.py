"""docs/operations.md: whatever it names is there."""

import re
from collections.abc import Iterator
from itertools import dropwhile, takewhile
from pathlib import Path

import pytest
import yaml

from cli.main import COMMANDS
from deploy.host.variables import VARIABLES

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
RULES = "\n".join(
    path.read_text(encoding="utf-8") for path in (ROOT / "monitoring" / "prometheus" / "rules").glob("*.yml")
)
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
OF_COMPOSE = {"up", "ps", "logs", "exec", "restart", "config", "cp", "pull"}


def rows_below(heading: str) -> list[list[str]]:
    """Cells of the first table below a heading, without its head."""
    below = PAGE[PAGE.index(f"## {heading}\n") :].splitlines()
    rows = takewhile(lambda line: line.startswith("|"), dropwhile(lambda line: not line.startswith("|"), below))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in list(rows)[2:]]


def compose_commands() -> Iterator[list[str]]:
    """Words after `docker-compose`, of each command that the page has."""
    for found in re.findall(r"docker-compose ([a-z][^`;|\n#]*)", PAGE):
        yield found.split()


def test_every_target_of_make_is_there() -> None:
    named = set(
        re.findall(
            r"make ((?:[a-z]+ )*[a-z]+)(?=[ `\n;,&)]|$)",
            " ".join(re.findall(r"`[^`]*`|^make .*$|^\S.*&& make.*$", PAGE, re.M)),
        )
    )
    words = {word for group in named for word in group.split()}

    targets = set(re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.M))
    assert {
        "secrets",
        "up",
        "smoke",
        "backup",
        "restore",
        "update",
        "down",
        "sbom",
        "scan",
        "images",
    } <= words & targets
    assert words - targets <= {"anew"}


def test_every_variable_is_one_of_the_installation_s_and_every_secret_is_explained() -> None:
    named = set(re.findall(r"HOLDFAST_[A-Z0-9_]*[A-Z0-9]", PAGE))

    assert named - {one.name for one in VARIABLES} == set()
    secret = {one.name for one in VARIABLES if one.is_secret and not one.name.endswith("_URL")}
    assert secret - named == set()


def test_every_service_is_in_the_table_with_its_profile_and_its_limit() -> None:
    table = {row[0]: row for row in rows_below("What runs, and how large it is")}

    assert set(table) == set(COMPOSE["services"])
    for name, service in COMPOSE["services"].items():
        assert [table[name][1]] == service["profiles"]
        if name != "migrate":
            assert table[name][3].endswith(f"/ {_said(service['mem_limit'])}"), name


def _said(limit: str) -> str:
    number, unit = re.fullmatch(r"(?:\$\{\w+:-)?(\d+)([gm])\}?", limit).groups()  # type: ignore[union-attr]
    return f"{number} {'GiB' if unit == 'g' else 'MiB'}"


def test_every_port_is_as_it_is_published() -> None:
    published = {
        (variable, default)
        for service in COMPOSE["services"].values()
        for port in service.get("ports", ())
        for variable, default in re.findall(r"\$\{(HOLDFAST_\w+_PORT):-(\d+)\}", port)
    }

    assert {(row[1].strip("`"), row[0]) for row in rows_below("Ports")} == published
    assert {row[1].strip("`") for row in rows_below("Ports") if row[2] != "127.0.0.1"} == {"HOLDFAST_FRONT_PORT"}


def test_every_volume_is_there() -> None:
    named = set(re.findall(r"volume `([a-z-]+)`", PAGE))

    assert named == set(COMPOSE["volumes"])


def test_every_command_of_compose_names_services_that_are_there() -> None:
    found = list(compose_commands())

    assert {words[0] for words in found if words[0] != "yml"} <= OF_COMPOSE
    for words in found:
        if words[0] in {"logs", "restart", "up"}:
            options = {"--tail", "50", "--since", "1h", "-d"}
            assert set(words[1:]) - options <= set(COMPOSE["services"]), words
        if words[0] == "exec":
            assert words[1] in COMPOSE["services"]
            assert words[2] != "churn" or words[3] in {*COMMANDS, "…"}, words


def test_every_link_leads_to_a_file_and_every_alert_is_a_rule() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
    named = set(re.findall(r"Churn[A-Z][A-Za-z]+", PAGE))
    assert [name for name in sorted(named) if f"alert: {name}\n" not in RULES] == []
    assert len(rows_below("Every day")) == 10


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:deploy|monitoring|tests|contracts)/[\w./-]+)`", PAGE))))
def test_every_file_that_is_named_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_numbers_of_the_front_are_those_of_its_files() -> None:
    folder = ROOT / "deploy" / "nginx"
    files = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.conf")))

    for said in (
        "proxy_read_timeout 400ms",
        "proxy_connect_timeout 200ms",
        "proxy_read_timeout 5s",
        "limit_conn clients 256",
    ):
        assert said in files
    assert all(said in PAGE for said in ("400 ms", "200 ms", "256 connections"))
