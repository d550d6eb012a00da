from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.special import expit

from churn.contract.column import Column
from churn.contract.contract import Contract
from churn.contract.inference import infer_contract
from churn.contract.table import Columns, check_table, check_target
from churn.data.files import read_table
from churn.errors import LeakageError
from churn.evaluation.audit import Audit, Audited, AuditLimits
from churn.evaluation.folds import make_folds
from churn.evaluation.leakage import audit

if TYPE_CHECKING:
    import pandas as pd

ROWS = 1500


def contract_of(columns: Columns, *, target: str = "Churn", trusted: Mapping[str, str] | None = None) -> Contract:
    described = {
        name: Column(type="category", accept_unknown=True) if values.dtype == object else Column(type="number")
        for name, values in columns.items()
    }
    return Contract.model_validate(
        {
            "name": "audited",
            "target": {"column": target, "positive": "1"},
            "columns": described,
            "trusted": dict(trusted or {}),
        }
    )


def texts(values: np.ndarray) -> np.ndarray:
    return values.astype(str).astype(object)


def honest(rows: int = ROWS, *, seed: int, base: float = -1.2) -> tuple[Columns, np.ndarray]:
    """Columns of all kinds, some telling as much as an honest column can, some nothing."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=rows)
    labels = (rng.random(rows) < expit(base + 1.8 * risk)).astype(np.int8)
    near = risk + rng.normal(0, 0.7, rows)
    columns = {
        "strong": near.astype(np.float32),
        "months": np.maximum(0, np.round(30 - 18 * (risk + rng.normal(size=rows)))).astype(np.float32),
        "flag": (rng.random(rows) < expit(risk)).astype(np.float32),
        "plan": texts(np.digitize(risk + rng.normal(size=rows), [-1, 0, 1.5])),
        "city": texts(rng.zipf(1.3, rows) % 400),
        "charge": np.round(rng.lognormal(3, 1, rows), 2).astype(np.float32),
        "sometimes": np.where(rng.random(rows) < expit(risk - 1), np.nan, rng.normal(size=rows)).astype(np.float32),
        "rare": np.where(rng.random(rows) < 0.01, "yes", "").astype(object),
        "income": rng.integers(10_000, 10_000_000, rows).astype(np.float32),
        "note": np.where(rng.random(rows) < 0.3, texts(rng.integers(9, size=rows)), "").astype(object),
    }
    return columns, labels


def audit_of(columns: Columns, labels: np.ndarray, **more: object) -> Audit:
    audited = Audited(columns, labels, ids=more.pop("ids", None), groups=more.pop("groups", None))  # type: ignore[arg-type]
    contract = contract_of(columns, target=str(more.pop("target", "Churn")), trusted=more.pop("trusted", None))  # type: ignore[arg-type]
    return audit(contract, audited, make_folds(labels, folds=4)[0], **more)  # type: ignore[arg-type]


def refused(found: Audit) -> dict[str, set[str]]:
    named: dict[str, set[str]] = {}
    for finding in found.refusals:
        named.setdefault(finding.column, set()).add(finding.check)
    return named


def false_alarms(audits: int) -> list[tuple[int, int, object]]:
    alarms = []
    for seed in range(audits):
        rows, base = (300, 1000, 3000)[seed % 3], (-3.5, -1.2, 0.3)[seed // 3 % 3]
        found = audit_of(*honest(rows, seed=seed, base=base))
        if not found.passed:
            alarms.append((seed, rows, refused(found)))
    return alarms


def test_honest_columns_of_all_kinds_pass() -> None:
    assert false_alarms(45) == []


@pytest.mark.slow
def test_of_a_thousand_honest_audits_hardly_any_is_refused() -> None:
    alarms = false_alarms(1000)

    print(len(alarms), alarms[:10])  # noqa: T201  the number for the report
    assert len(alarms) <= 10


def leaks(labels: np.ndarray) -> dict[str, tuple[np.ndarray, set[str]]]:
    rng, rows = np.random.default_rng(1), len(labels)
    left = labels == 1
    return {
        "Churn Value": (labels.astype(np.float32), {"same as target"}),
        "closed": (np.where(left, "y", "n").astype(object), {"same as target", "single column"}),
        "score": ((labels + rng.normal(0, 0.4, rows)).astype(np.float32), {"single column"}),
        "score upside down": ((rng.normal(0, 0.4, rows) - labels).astype(np.float32), {"single column"}),
        "reason": (np.where(left, texts(rng.integers(4, size=rows)), "").astype(object), {"single column"}),
        "final bill": (np.where(left, rng.normal(size=rows), np.nan).astype(np.float32), {"single column"}),
        "refund": (np.where(left & (rng.random(rows) < 0.5), 20.0, np.nan).astype(np.float32), {"one class only"}),
        "offer": (np.where(left & (rng.random(rows) < 0.5), "win back", "none").astype(object), {"one class only"}),
        "name": (texts(rng.permutation(rows) + 7_000_000), {"id"}),
    }


@pytest.mark.parametrize("name", list(leaks(np.zeros(4, np.int8))))
def test_a_leaking_column_is_refused_and_no_other(name: str) -> None:
    columns, labels = honest(seed=3)
    values, checks = leaks(labels)[name]

    found = refused(audit_of({**columns, name: values}, labels))

    assert list(found) == [name]
    assert checks <= found[name]


def test_a_number_of_rows_that_are_sorted_by_outcome_is_refused() -> None:
    columns, labels = honest(seed=4)
    order = np.argsort(np.random.default_rng(0).normal(size=ROWS) + labels)
    number = np.empty(ROWS, np.float32)
    number[order] = np.arange(ROWS) + 100

    assert refused(audit_of({**columns, "number": number}, labels)) == {"number": {"id"}}
    shuffled = np.random.default_rng(5).permutation(ROWS).astype(np.float32)
    assert audit_of({**columns, "number": shuffled}, labels).passed


def test_locked_in_customers_who_never_leave_are_no_leak() -> None:
    columns, labels = honest(seed=5)
    is_locked = (labels == 0) & (np.random.default_rng(0).random(ROWS) < 0.3)

    assert audit_of({**columns, "contract": np.where(is_locked, "long", "short").astype(object)}, labels).passed


def test_an_activity_that_only_most_of_the_stayers_have_is_refused() -> None:
    columns, labels = honest(12_000, seed=5)
    is_seen = (labels == 0) & (np.random.default_rng(0).random(12_000) < 0.6)

    found = refused(audit_of({**columns, "renewed": np.where(is_seen, "yes", "").astype(object)}, labels))

    assert found == {"renewed": {"one class only"}}


def test_a_trusted_column_passes_with_its_reason() -> None:
    columns, labels = honest(seed=6)
    columns["notice"] = (labels + np.random.default_rng(0).normal(0, 0.3, ROWS)).astype(np.float32)

    found = audit_of(columns, labels, trusted={"notice": "given a month before"})

    assert found.passed
    assert "trusted: given a month before" in found.as_markdown()


def test_the_refusal_says_which_column_what_number_and_what_to_do() -> None:
    columns, labels = honest(seed=7)
    found = audit_of({**columns, "reason": np.where(labels == 1, "moved", "").astype(object)}, labels)

    with pytest.raises(LeakageError, match=r"'reason' .*ROC-AUC 1\.000.*`leaking:`.*`trusted:` with the reason"):
        found.require_passed()
    assert "| refused | " in found.as_markdown()
    audit_of(columns, labels).require_passed()


def test_copies_of_customers_across_folds_are_refused() -> None:
    """As after oversampling before the split."""
    columns, labels = honest(seed=8)
    rows = np.concatenate([np.arange(ROWS), np.flatnonzero(labels == 1)])

    found = audit_of({name: values[rows] for name, values in columns.items()}, labels[rows])

    assert refused(found) == {"": {"twins"}}
    with pytest.raises(LeakageError, match=r"100% of the twins of leavers left too.*Mend the rows or the folds"):
        found.require_passed()


def test_few_columns_of_few_values_make_twins_that_are_no_copies() -> None:
    columns, labels = honest(seed=9)

    found = audit_of({name: columns[name] for name in ("flag", "plan", "rare")}, labels)

    assert found.passed
    assert "have a twin in training" in found.as_markdown()


def test_a_customer_on_both_sides_is_refused_unless_the_folds_keep_him_together() -> None:
    columns, labels = honest(seed=10)
    ids = texts(np.arange(ROWS) // 2)
    audited, contract = Audited(columns, labels, ids=ids), contract_of(columns)

    apart = audit(contract, audited, make_folds(labels, folds=4)[0])
    together = audit(contract, audited, make_folds(labels, folds=4, groups=ids)[0])

    assert refused(apart) == {"": {"same customer"}}
    assert together.passed


def ridge(frame: "pd.DataFrame", labels: np.ndarray, tested: "pd.DataFrame") -> np.ndarray:
    names = ["strong", "months", "charge"]
    weights = np.linalg.lstsq(frame[names].to_numpy(float), labels - labels.mean(), rcond=None)[0]
    return np.asarray(tested[names].to_numpy(float) @ weights)


def test_an_honest_training_learns_nothing_from_shuffled_outcomes() -> None:
    found = audit_of(*honest(seed=11), control=ridge)

    assert found.passed
    assert "shuffled outcomes" in found.checks


def test_a_training_that_sees_the_tested_outcomes_is_refused() -> None:
    columns, labels = honest(seed=12)
    shuffled = np.random.default_rng(0).permutation(labels)

    def peeking(frame: "pd.DataFrame", seen: np.ndarray, tested: "pd.DataFrame") -> np.ndarray:
        del frame, seen
        return np.asarray(shuffled[tested.index] + np.random.default_rng(0).normal(0, 3, len(tested)))

    assert refused(audit_of(columns, labels, control=peeking)) == {"": {"shuffled outcomes"}}


def test_a_model_that_is_too_good_asks_for_a_look_and_passes() -> None:
    columns, labels = honest(seed=13)
    scores = labels + np.random.default_rng(0).normal(0, 0.3, ROWS)

    found = audit_of(columns, labels, scores=scores)

    assert found.passed
    assert "the whole model has ROC-AUC 0.99" in found.as_markdown()
    assert audit_of(columns, labels, scores=np.random.default_rng(0).random(ROWS)).findings == ()


def test_a_limit_is_a_parameter() -> None:
    columns, labels = honest(seed=14)

    assert not audit_of(columns, labels, limits=AuditLimits(column_auc=0.6)).passed


def test_no_column_of_telco_is_refused(telco: Contract, telco_file: Path) -> None:
    raw = read_table(telco_file).columns
    checked = check_table(telco, raw)
    labels = check_target(telco, raw)[0][checked.accepted - 1]

    found = audit(telco, Audited(checked.columns, labels, ids=checked.customer_ids), make_folds(labels, folds=5)[0])

    assert found.passed
    assert [finding.check for finding in found.findings] == ["twins"]


@pytest.fixture(scope="module")
def extended(telco_file: Path) -> Mapping[str, list[object]]:
    folder = telco_file.parent / "telco_extended"
    if not folder.is_dir():
        pytest.skip("the extended Telco files are not here")
    status, services, people = (
        read_table(folder / f"Telco_customer_churn_{name}.xlsx").columns
        for name in ("status", "services", "demographics")
    )
    place = {customer: row for row, customer in enumerate(status["Customer ID"])}
    joined = dict(status)
    for part in (services, people):
        rows = np.argsort([place[customer] for customer in part["Customer ID"]])
        joined |= {name: [cells[row] for row in rows] for name, cells in part.items() if name not in joined}
    return joined


def test_the_leaks_of_the_extended_file_are_caught_without_being_told(extended: Mapping[str, list[object]]) -> None:
    drafted = infer_contract(extended, name="extended", target="Churn Label").contract
    forced = {
        name: Column(type="category", accept_unknown=True) if name != "Churn Value" else Column(type="integer")
        for name in drafted.leaking
    }
    contract = drafted.model_copy(update={"columns": {**drafted.columns, **forced}, "leaking": {}})
    checked = check_table(contract, extended)
    labels = check_target(contract, extended)[0][checked.accepted - 1]

    found = audit(contract, Audited(checked.columns, labels), make_folds(labels, folds=5)[0])

    known = {"Churn Score", "Churn Value", "Satisfaction Score", "Churn Reason", "Churn Category", "Customer Status"}
    assert set(refused(found)) == known
    assert len(contract.columns) > 30
