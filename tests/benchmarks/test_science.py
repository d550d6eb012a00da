import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from benchmarks.results import replace_section, section_of
from benchmarks.science import __main__ as command
from benchmarks.science.card import markdown, verdict
from benchmarks.science.contestants import AVERAGED, PLAIN, OfFold, alone, lightgbm, logistic, xgboost
from benchmarks.science.figures import GAIN, STACK, TELCO_GOALS, duels, empc_gain
from benchmarks.science.measured import CHOSEN, Contender, Measured, measure, plain_in_folds
from benchmarks.science.tables import Table, in_folder, join_extended, telco, with_inputs, without
from churn.contract.contract import Contract
from churn.data.sampler_file import write_sample
from churn.errors import UsageError
from churn.evaluation.audit import Audit, Finding
from churn.evaluation.folds import make_folds
from churn.features.frame import raw_frame
from pipelines.ingest import Customers, ingest
from pipelines.parameters import read_parameters
from pipelines.settings import PipelineSettings
from pipelines.tracking import silent
from pipelines.training import TrainParameters

PAGE = "# Results\n\n## Scoring\n\n| 41 µs |\n"


@pytest.fixture(scope="session")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("science") / "telco.csv"
    write_sample(path, 600, seed=5)
    return path


@pytest.fixture
def settings(tmp_path: Path) -> PipelineSettings:
    return PipelineSettings(home=tmp_path / "home", tracking=f"sqlite:///{tmp_path / 'mlflow.db'}")


@pytest.fixture
def customers(sampled: Path, telco: Contract, settings: PipelineSettings) -> Customers:
    return ingest(sampled, telco, settings).customers


def quick(**changes: object) -> TrainParameters:
    settled = {"trials": 2, "candidates": ("logistic", "lightgbm", "stack"), "workers": 1, "folds": 3}
    return read_parameters("train", TrainParameters, **settled, nested_folds=2, **changes)


def leaky(sampled: Path, contract: Contract, folder: Path) -> Table:
    """A table with a column that repeats the outcome in other words."""
    rows = pd.read_csv(sampled, dtype=str, keep_default_na=False)
    rows["Status"] = np.where(rows["Churn"] == "Yes", "closed", "open")
    rows.to_csv(folder / "leaky.csv", index=False)
    named = Contract.model_validate(contract.model_dump() | {"leaking": {"Status": "known afterwards"}})
    return Table(
        "leaky", with_inputs(named, {"Status": list(rows["Status"])}), folder / "leaky.csv", is_tried_again=True
    )


def scored(customers: Customers, contract: Contract, scores: dict[str, np.ndarray]) -> Measured:
    folds = make_folds(customers.labels, folds=5, repeats=2, seed=0)
    contenders = tuple(Contender(name, one, 1.0) for name, one in scores.items())
    table = Table("Telco", contract, Path("telco.csv"))
    return Measured(table, customers, Audit((), ("single column",)), contenders, ("logistic",) * 10, folds)


def like(labels: np.ndarray, noise: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 1 / (1 + np.exp(-(2 * labels - 2 + noise * rng.normal(size=(2, len(labels))))))


def test_a_section_is_replaced_and_the_rest_stays() -> None:
    once = replace_section(PAGE, "science", "## Science\nold")

    twice = replace_section(once + "\n## Last\n", "science", "## Science\nnew")

    assert section_of(twice, "science") == "## Science\nnew"
    assert twice.startswith(PAGE.rstrip())
    assert "old" not in twice
    assert twice.endswith("## Last\n")


def test_the_other_benchmark_keeps_the_section_when_it_writes_its_page_anew() -> None:
    old = replace_section(PAGE, "science", "## Science\nmeasured")

    assert "measured" in replace_section("# New page\n", "science", section_of(old, "science"))
    assert replace_section("# New page\n", "science", section_of(PAGE, "science")) == "# New page\n"


def test_a_table_with_a_leaking_column_gets_no_score_and_its_column_is_named(
    sampled: Path, telco: Contract, settings: PipelineSettings, tmp_path: Path
) -> None:
    table = leaky(sampled, telco, tmp_path)

    refused = measure(table, quick(), settings, silent)

    card = markdown(refused)
    assert refused.contenders == ()
    assert "nothing is scored" in card
    assert "| Status | " in card
    assert "tells alone who leaves" in card
    assert not any(name in card for name in (CHOSEN, "PR-AUC", "Brier", *PLAIN))


def test_a_refused_column_under_leaking_is_no_input_and_is_named_on_the_card(
    sampled: Path, telco: Contract, tmp_path: Path
) -> None:
    again = without(leaky(sampled, telco, tmp_path), ["Status"])

    assert "Status" not in again.contract.columns
    assert "Status" in again.contract.leaking


@pytest.mark.slow
def test_a_table_that_passes_is_scored_on_the_same_folds_by_everybody(
    sampled: Path, settings: PipelineSettings
) -> None:
    said: list[str] = []
    measured = measure(telco(sampled), quick(), settings, said.append)

    names = [one.name for one in measured.contenders]
    assert names[:2] == [CHOSEN, STACK]
    assert {*PLAIN, AVERAGED, "Holdfast, logistic", "Holdfast, dummy"} < set(names)
    assert all(one.scores.shape == (1, 600) and np.isfinite(one.scores).all() for one in measured.contenders)
    chosen, stack = (measured.contender(name) for name in (CHOSEN, STACK))
    assert chosen is not None
    assert stack is not None
    of_each = [one.scores for one in measured.contenders if one.name.startswith("Holdfast")]
    assert np.isclose(chosen.scores, np.stack(of_each)).any(axis=0).all()
    assert any("2 of 2 outer folds" in line for line in said)
    assert markdown(measured).count("| **Holdfast, what it chose** |") == 1 + 4


def test_a_goal_is_reached_or_missed_and_never_left_open(customers: Customers, telco: Contract) -> None:
    good, poor = like(customers.labels, 0.5, 1), like(customers.labels, 9.0, 2)
    card = markdown(scored(customers, telco, {CHOSEN: good, STACK: poor}))
    rows = [line for line in card.splitlines() if any(f"| {goal.words} |" in line for goal in TELCO_GOALS)]

    assert len(rows) == len(TELCO_GOALS)
    assert all(row.count("reached") + row.count("**missed**") == 2 for row in rows)
    assert rows[0].endswith("| **missed** |")
    assert "| reached |" in rows[0]


def test_goals_are_held_against_the_number_and_not_against_what_is_printed() -> None:
    roc_auc = TELCO_GOALS[0]

    assert not roc_auc.is_reached(0.84999)
    assert roc_auc.is_reached(0.850)
    assert verdict(is_reached=False) == "**missed**"


def test_the_better_one_is_called_better_and_an_equal_one_is_not(customers: Customers, telco: Contract) -> None:
    good, same = like(customers.labels, 1.0, 1), like(customers.labels, 1.0, 2)
    rivals = dict.fromkeys(PLAIN, like(customers.labels, 4.0, 3)) | {AVERAGED: same}

    found = {(one.first, one.second): one for one in duels(scored(customers, telco, {CHOSEN: good, **rivals}))}

    catboost = next(name for name in PLAIN if name.startswith("CatBoost"))
    assert found[CHOSEN, catboost].of_scores["roc_auc"].is_better
    assert found[CHOSEN, catboost].of_training.is_better
    assert found[CHOSEN, catboost].of_scores["brier"].is_better
    assert not found[CHOSEN, AVERAGED].of_scores["roc_auc"].is_different


def test_the_empc_gain_is_a_mean_over_repeats_and_skips_untested_rows(customers: Customers) -> None:
    scores = like(customers.labels, 1.0, 1)
    tested = np.where(np.arange(600) < 400, scores, np.nan)

    both, (first, second) = empc_gain(customers, scores), (empc_gain(customers, one) for one in scores)

    assert both.value == pytest.approx((first.value + second.value) / 2)
    assert both.low < both.value < both.high
    assert empc_gain(customers.only(np.arange(400)), scores[:, :400]).value == empc_gain(customers, tested).value


def test_one_number_alone_is_ranked_as_it_stands(customers: Customers) -> None:
    fold = (np.arange(400), np.arange(400, 600))
    train, test = (raw_frame(customers.only(rows).columns) for rows in fold)

    scores = alone("tenure")(train, customers.labels[fold[0]], test)

    ranks = np.argsort(np.argsort(-test["tenure"].to_numpy(), kind="stable"), kind="stable")
    assert np.corrcoef(ranks, scores)[0, 1] > 0.9
    assert roc_auc_score(customers.labels[fold[1]], scores) == roc_auc_score(customers.labels[fold[1]], -test["tenure"])


@pytest.mark.slow
def test_what_is_sent_to_the_processes_can_be_sent(sampled: Path, telco: Contract, customers: Customers) -> None:
    folds = make_folds(customers.labels, folds=2, seed=0)

    found = plain_in_folds(Table("", telco, sampled, alone="tenure"), customers, folds, 2)

    assert [set(one) for one in found] == [{"tenure alone", *PLAIN, AVERAGED}] * 2
    assert [len(one["tenure alone"].scores) for one in found] == [300, 300]


def test_the_plain_contestants_survive_a_category_that_they_never_saw() -> None:
    rng = np.random.default_rng(0)
    train = pd.DataFrame({"plan": rng.choice(["a", "b"], 200).astype(object), "spend": rng.normal(size=200)})
    test = pd.DataFrame({"plan": np.array(["a", "new"], object), "spend": [0.0, np.nan]})

    for contestant in (logistic, lightgbm, xgboost):
        assert np.isfinite(contestant(train, (train["plan"] == "a").astype(int).to_numpy(), test)).all()


def test_the_parts_of_extended_telco_are_joined_by_customer_and_none_is_a_value(tmp_path: Path) -> None:
    parts = {
        "status": {"Customer ID": ["a", "b"], "Churn Label": ["Yes", "No"]},
        "services": {"Customer ID": ["b", "a"], "Offer": ["None", ""], "Churn Label": ["No", "Yes"]},
        "demographics": {"Customer ID": ["a", "b"], "Age": [40, 50]},
        "location": {"Customer ID": ["a", "b"], "Zip Code": [1, 2]},
        "population": {"Zip Code": [2], "Population": [77]},
    }
    for name, columns in parts.items():
        pd.DataFrame(columns).to_excel(tmp_path / f"Telco_customer_churn_{name}.xlsx", index=False)

    joined = join_extended(tmp_path).set_index("Customer ID")

    assert joined.loc["b", "Offer"] == "None"
    assert pd.isna(joined.loc["a", "Offer"])
    assert list(joined.columns) == ["Churn Label", "Offer", "Age", "Zip Code", "Population"]
    assert joined.loc["b", "Population"] == 77


def test_a_missing_workbook_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no Telco_customer_churn_status\.xlsx"):
        join_extended(tmp_path)


def test_a_folder_gives_every_contract_with_its_table(tmp_path: Path) -> None:
    contract = (Path(command.__file__).parents[2] / "contracts" / "telco.yaml").read_text()
    (tmp_path / "ours.yaml").write_text(contract)
    with pytest.raises(UsageError, match=r"ours\.yaml has no table beside it"):
        list(in_folder(tmp_path))
    (tmp_path / "ours.csv").write_text("customerID\n")

    assert [(one.data.name, one.contract.name) for one in in_folder(tmp_path)] == [("ours.csv", "telco")]


def test_a_folder_without_contracts_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"put <name>\.yaml beside"):
        list(in_folder(tmp_path))


def test_a_table_that_can_not_be_used_is_told_of_and_the_next_is_measured(
    sampled: Path, telco: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, page = tmp_path / "tables", tmp_path / "RESULTS.md"
    folder.mkdir()
    page.write_text(PAGE)
    for name in ("a_broken", "b_leaky"):
        (folder / f"{name}.yaml").write_text(dump(leaky(sampled, telco, tmp_path).contract))
    (folder / "a_broken.csv").write_text("customerID,Churn\n1,Yes\n")
    (tmp_path / "leaky.csv").rename(folder / "b_leaky.csv")
    monkeypatch.setattr(sys, "argv", ["science", "--folder", str(folder), "--results", str(page)])

    command.main()
    command.main()

    written = page.read_text()
    assert written.startswith(PAGE)
    assert written.count("### a_broken, from a folder\n\n**Nothing is scored:**") == 1
    assert written.count("## Science") == 1
    assert "| Status | " in written
    assert "tells alone who leaves" in written


def test_seconds_of_a_mean_are_those_of_all_its_members() -> None:
    from benchmarks.science.contestants import mean_of

    both = mean_of([OfFold(np.array([0.2]), 1.0), OfFold(np.array([0.4]), 2.0)])

    assert both.scores == pytest.approx([0.3])
    assert both.seconds == 3.0


def test_a_finding_without_a_column_refuses_under_its_check(customers: Customers, telco: Contract) -> None:
    finding = Finding("twins", "", 0.5, 0.01, "rows are on both sides")
    refused = replace(scored(customers, telco, {}), audit=Audit((finding,), ("twins",)))

    assert "| twins | rows are on both sides |" in markdown(refused)
    assert GAIN not in markdown(refused)


def dump(contract: Contract) -> str:
    from churn.contract.reading import dump_contract

    return dump_contract(contract)
