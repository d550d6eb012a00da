"""The table of the kill matrix, held against docker-compose.yml and the rules; no engine is needed."""

import pytest
import yaml

from monitoring.rules import alerts, read_rules
from tests.compose.matrix import CORE, LONG, SERVICES, SHORT, WITH_MARIADB
from tests.faults.doors import ROOT

COMPOSED = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]


def test_every_service_is_in_the_table_and_no_other() -> None:
    assert set(SERVICES) == set(COMPOSED)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_an_alert_that_exists_or_a_reason_to_have_none(service: str) -> None:
    expected = SERVICES[service]

    assert expected.alert in alerts(read_rules()) if expected.alert else expected.why


def test_every_service_with_an_alert_is_killed_in_the_short_matrix_or_in_the_one_of_mariadb() -> None:
    killed = {service for fault, services in (*SHORT, *WITH_MARIADB) for service in services if fault == "kill"}

    assert {service for service, expected in SERVICES.items() if expected.alert} <= killed


def test_the_long_matrix_has_every_fault_of_every_service() -> None:
    assert len(LONG) == 3 * len(CORE)


def test_every_neighbour_of_the_exporter_is_in_the_table() -> None:
    named = COMPOSED["exporter"]["environment"]["CHURN_NEIGHBOURS"].replace(" ", "").split(",")
    neighbours = {one.partition("=")[0] for one in named}

    assert neighbours == {service for service, each in SERVICES.items() if "neighbour" in each.labels} | {"front"}
