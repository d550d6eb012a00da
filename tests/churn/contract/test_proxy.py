"""A target that no column holds: what its contract says by itself, and what it refuses."""

from typing import Any

import pytest
import yaml

from churn.contract.contract import Contract
from churn.contract.proxy import Inactivity, Usage
from churn.contract.reading import dump_contract, parse_contract
from churn.errors import ContractError

SILENCE: dict[str, Any] = {
    "kind": "inactivity",
    "events": {"customer": "who", "time": "day", "values": ["price"]},
    "dates": ["2024-06-30"],
    "horizon_days": 60,
}
QUIET: dict[str, Any] = {
    "kind": "usage",
    "low_activity": {"visits": 1},
    "inactivity": {"days_since_visit": 60},
}
ROLES: dict[str, Any] = {"customer_id": "row", "validation": {"group": "who", "time": "on"}}


def contract(proxy: dict[str, Any], *, target: dict[str, Any] | None = None, **more: Any) -> Contract:
    columns = more.pop("columns", {"recency_days": {"type": "integer"}})
    roles = more.pop("roles", ROLES)
    fields = {"name": "shop", **roles, "target": {"proxy": proxy, **(target or {})}, "columns": columns, **more}
    return parse_contract(yaml.safe_dump(fields), "shop.yaml")


def silence(**changes: Any) -> dict[str, Any]:
    return {**SILENCE, **changes}


def log_of(**changes: Any) -> dict[str, Any]:
    return silence(events={**SILENCE["events"], **changes})


def test_a_target_with_a_proxy_names_itself_and_knows_when_its_outcome_is_known() -> None:
    target = contract(silence(lead_days=14)).target

    assert (target.column, target.positive, target.negative, target.horizon_days) == ("churned", "1", "0", 74)


def test_a_target_with_a_proxy_keeps_what_it_says() -> None:
    target = contract(SILENCE, target={"column": "left", "positive": "yes", "negative": "no"}).target

    assert (target.column, target.positive, target.negative) == ("left", "yes", "no")


def test_a_plain_target_must_say_its_column_and_value(telco: Contract) -> None:
    with pytest.raises(ContractError, match=r"(?s)target\.column: Field required.*target\.positive: Field required"):
        parse_contract("name: x\ntarget: {}\ncolumns: {a: {type: number}}", "x.yaml")
    assert telco.target.proxy is None
    assert "proxy" not in dump_contract(telco)


@pytest.mark.parametrize(
    "proxy",
    [SILENCE, silence(dates={"every_days": 30, "first": "2024-01-01"}), log_of(names=["who", "day", "price"])],
)
def test_a_written_contract_reads_back_equal(proxy: dict[str, Any]) -> None:
    written = contract(proxy)

    assert parse_contract(dump_contract(written), "again") == written


def test_the_features_follow_from_windows_and_values() -> None:
    proxy = contract(silence(windows_days=[7])).target.proxy

    assert isinstance(proxy, Inactivity)
    assert {"events_7d", "events_all", "price_7d", "price_mean", "price_trend", "recency_days"} < set(
        proxy.feature_names
    )
    assert "events_30d" not in proxy.feature_names


@pytest.mark.parametrize(
    ("proxy", "fault"),
    [
        (silence(kind="guess"), "does not match any of the expected tags"),
        (silence(dates=[]), "at least one date"),
        (silence(dates=["2024-06-30", "2024-05-31"]), "ascend"),
        (silence(windows_days=[30, 30]), "ascend"),
        (silence(horizon_days=0), "greater than or equal to 1"),
        (silence(lead_days=-1), "greater than or equal to 0"),
        (log_of(time="who"), "must name different columns"),
        (log_of(names=["who", "price"]), "`names` lacks 'day'"),
        (log_of(names=["who", "who", "day", "price"]), "names a column twice"),
        (log_of(time_format="MM/DD"), "ISO-8601, or a pattern"),
        (log_of(values=["events"]), "has the name of another feature"),
        (log_of(separator="!"), "Input should be"),
    ],
)
def test_an_event_proxy_that_can_not_work_is_refused(proxy: dict[str, Any], fault: str) -> None:
    with pytest.raises(ContractError, match=fault):
        contract(proxy)


def test_a_horizon_that_contradicts_the_proxy_is_refused() -> None:
    with pytest.raises(ContractError, match="`horizon_days` is 30, and the proxy knows the outcome after 60 days"):
        contract(SILENCE, target={"horizon_days": 30})


@pytest.mark.parametrize("dates", [["2024-05-31", "2024-06-30"], {"every_days": 30}])
def test_rows_of_several_dates_need_an_id_a_customer_and_a_date(dates: object) -> None:
    with pytest.raises(ContractError, match=r"customer_id, validation\.time is not set"):
        contract(silence(dates=dates), roles={"validation": {"group": "who"}})


def test_rows_of_one_date_need_an_id_alone() -> None:
    assert contract(SILENCE, roles={"customer_id": "row"}).validation.time is None
    with pytest.raises(ContractError, match="customer_id is not set"):
        contract(SILENCE, roles={})


def test_a_column_that_is_not_made_from_the_events_is_refused_with_the_nearest() -> None:
    with pytest.raises(ContractError, match=r"'recency' is not made from the events.*'recency_days'"):
        contract(SILENCE, columns={"recency": {"type": "integer"}})


def test_a_usage_proxy_needs_no_id_and_no_date() -> None:
    proxy = contract(QUIET, roles={}, columns={"age": {"type": "number"}}).target.proxy

    assert isinstance(proxy, Usage)
    assert proxy.label_columns == ("visits", "days_since_visit")


@pytest.mark.parametrize("name", ["visits", "days_since_visit"])
def test_a_column_that_makes_the_label_is_refused_as_an_input(name: str) -> None:
    with pytest.raises(ContractError, match=f"column '{name}' makes the label, so it can't be an input"):
        contract(QUIET, roles={}, columns={name: {"type": "number"}})


def test_a_column_is_activity_or_inactivity() -> None:
    with pytest.raises(ContractError, match="'visits' is in `low_activity` and in `inactivity`"):
        contract({**QUIET, "inactivity": {"visits": 3}}, roles={}, columns={"age": {"type": "number"}})
