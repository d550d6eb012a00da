import ast
import json
import math
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.bundle.additivity import log_odds
from churn.bundle.files import EXPLANATION, MANIFEST, PRIORITY, Manifest, hash_file, seal, verify
from churn.bundle.making import with_hard_rows
from churn.contract.contract import Contract
from churn.contract.economics import Economics
from churn.contract.reading import parse_contract
from churn.contract.table import Columns
from churn.errors import BundleError
from churn.retention.profit import customer_value, expected_profit
from churn.retention.worth import worth_of
from churn.scoring.loading import load_scorer
from churn.scoring.scorer import Scorer
from churn.scoring.standing import Standing, Standings
from tests.bundles import as_format_1, paying_months, random_columns, small_bundle, tenure_book

WITHOUT_MONEY = """
name: shop
target: {column: gone, positive: "1"}
columns:
  tenure: {type: number, minimum: 0, maximum: 100}
  plan: {type: category, categories: [basic, pro]}
"""


@pytest.fixture(scope="module")
def scorer(telco: Contract, tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    folder = tmp_path_factory.mktemp("explained") / "bundle"
    small_bundle(folder, telco, segments=tenure_book())
    return load_scorer(folder, name="churn", version=3)


@pytest.fixture(scope="module")
def customers(telco: Contract) -> Columns:
    columns = random_columns(telco, 300, seed=5)
    columns["PaymentMethod"][::7] = "carrier pigeon"
    return with_hard_rows(telco, columns)


def row_of(columns: Columns, number: int) -> dict[str, float | str]:
    return {name: values[number] for name, values in columns.items()}


def test_a_rows_explanation_adds_up_to_its_probability(scorer: Scorer, customers: Columns) -> None:
    for number in (0, 7, 300, 301, 302):
        row = row_of(customers, number)

        found = scorer.explain_row(row)

        total = found.base_log_odds + sum(found.contributions.values())
        assert total == pytest.approx(float(log_odds(np.array(scorer.score_row(row)))), abs=2e-4)


def test_rows_and_columns_are_explained_alike(scorer: Scorer, customers: Columns) -> None:
    for number, found in enumerate(scorer.explain_columns(customers)):
        if number % 20 == 0:
            alone = scorer.explain_row(row_of(customers, number))
            assert list(alone.contributions) == list(scorer.contract.columns)
            assert list(alone.contributions.values()) == pytest.approx(list(found.contributions.values()), abs=2e-5)
            assert [one.words for one in alone.top_reasons] == [one.words for one in found.top_reasons]


def test_reasons_are_the_largest_contributions(scorer: Scorer, customers: Columns) -> None:
    found = scorer.explain_row(row_of(customers, 0))

    largest = sorted(found.contributions, key=lambda name: -abs(found.contributions[name]))[:3]
    assert [reason.column for reason in found.top_reasons] == largest
    assert all(reason.log_odds == found.contributions[reason.column] for reason in found.top_reasons)


def test_what_raises_the_risk_most_is_what_offers_may_ask_for(scorer: Scorer, customers: Columns) -> None:
    for number in (0, 7, 302):
        found = scorer.explain_row(row_of(customers, number))

        rising = sorted((amount, name) for name, amount in found.contributions.items() if amount >= 0.01)
        assert found.raising == {name for _, name in rising[-5:]}
        assert [(one.feature, one.impact) for one in found.factors] == [
            (one.column, one.log_odds) for one in found.top_reasons
        ]


def test_priority_is_the_rank_of_what_contact_earns_among_the_reference(
    scorer: Scorer, telco: Contract, customers: Columns
) -> None:
    reference = random_columns(telco, 400, seed=0)
    profits = [place.expected_profit or 0 for place in places_of(scorer, reference)]

    for place in places_of(scorer, customers)[::30]:
        below = np.mean(np.array(profits) < (place.expected_profit or 0)) * 100
        assert place.priority_score == pytest.approx(below, abs=1.0)


def places_of(scorer: Scorer, columns: Columns) -> list[Standing]:
    return scorer.standings.of_columns(columns, scorer.score_columns(columns))


def test_a_scale_that_is_none_is_found_when_the_bundle_is_loaded(bundle_folder: Path, tmp_path: Path) -> None:
    broken = Path(copytree(bundle_folder, tmp_path / "broken"))
    (broken / PRIORITY).write_text('{"measure": "probability", "quantiles": [1, 0]}')
    manifest = verify(bundle_folder)
    seal(broken, manifest.model_copy(update={"sha256": {**manifest.sha256, PRIORITY: hash_file(broken / PRIORITY)}}))

    with pytest.raises(BundleError, match="must ascend"):
        load_scorer(broken, name="churn", version=1)


def test_a_bundle_of_the_first_format_is_served_without_explanations(
    bundle_folder: Path, customers: Columns, tmp_path: Path
) -> None:
    expected = load_scorer(bundle_folder, name="churn", version=1).score_columns(customers)
    digest = as_format_1(Path(copytree(bundle_folder, tmp_path / "bundle")))

    old = load_scorer(tmp_path / "bundle", name="churn", version=1, digest=digest)

    assert np.array_equal(old.score_columns(customers), expected)
    assert old.explainer is None
    assert old.standings.of_row(row_of(customers, 0), 0.5).segment is None
    assert old.standings.of_row(row_of(customers, 0), 0.5).priority_score == 50
    probabilities = old.score_columns(customers)
    scores = [place.priority_score for place in old.standings.of_columns(customers, probabilities)]
    assert scores == pytest.approx((probabilities * 100).tolist(), abs=0.0501)
    with pytest.raises(BundleError, match="version 1 of churn has no explanations: train and promote"):
        old.explain_row(row_of(customers, 0))


def test_a_bundle_of_a_later_format_is_refused(bundle_folder: Path, tmp_path: Path) -> None:
    copytree(bundle_folder, tmp_path / "bundle")
    manifest = Manifest.model_validate_json((tmp_path / "bundle" / MANIFEST).read_bytes())
    seal(tmp_path / "bundle", manifest.model_copy(update={"format": 3}))

    with pytest.raises(BundleError, match="has format 3; this version reads 1 and 2"):
        verify(tmp_path / "bundle")


def test_reasons_of_another_model_are_found_when_the_bundle_is_loaded(
    bundle_folder: Path, telco: Contract, tmp_path: Path
) -> None:
    small_bundle(tmp_path / "other", telco, seed=1)
    mixed = Path(copytree(bundle_folder, tmp_path / "mixed"))
    (mixed / EXPLANATION).write_bytes((tmp_path / "other" / EXPLANATION).read_bytes())
    manifest = verify(bundle_folder)
    seal(
        mixed, manifest.model_copy(update={"sha256": {**manifest.sha256, EXPLANATION: hash_file(mixed / EXPLANATION)}})
    )

    with pytest.raises(BundleError, match="off their probabilities"):
        load_scorer(mixed, name="churn", version=1)


def test_the_proof_of_the_explanations_is_in_the_manifest(bundle_folder: Path) -> None:
    manifest = verify(bundle_folder)

    assert manifest.additivity is not None
    assert manifest.additivity.rows == manifest.parity.rows == 103
    assert 0 <= manifest.additivity.max_difference <= 1e-4


def test_a_customer_is_told_the_segment_and_what_contact_earns(scorer: Scorer, customers: Columns) -> None:
    assert scorer.contract.economics is not None
    probabilities = scorer.score_columns(customers)

    places = scorer.standings.of_columns(customers, probabilities)

    value = customer_value(scorer.contract.economics, customers)
    profits = expected_profit(probabilities, value, scorer.contract.economics)
    for number in range(0, 303, 30):
        alone = scorer.standings.of_row(row_of(customers, number), float(probabilities[number]))
        assert alone == places[number]
        assert alone.expected_profit == pytest.approx(profits[number], abs=0.005)
        tenure = customers["tenure"][number]
        if not math.isnan(tenure) and tenure != 50:
            assert alone.segment == ("new customers" if tenure < 50 else "old customers")


@given(
    probability=st.floats(0, 1),
    revenue=st.floats(-100, 1e6, width=32) | st.just(math.nan),
    worth=st.none() | st.floats(0, 1e6),
)
def test_one_rows_profit_is_that_of_the_definition(probability: float, revenue: float, worth: float | None) -> None:
    found = Economics(
        value_column=None if worth is not None else "paid", customer_value=worth, margin_ratio=0.6, offer_cost=7.5
    )
    shop = parse_contract(WITHOUT_MONEY.replace("tenure", "paid"), "shop").model_copy(update={"economics": found})
    row = {"paid": revenue, "plan": "pro"}

    place = Standings(shop, None, worth_of(shop.economics, None)).of_row(row, probability)

    expected = float(expected_profit(probability, customer_value(found, row), found))
    assert place.expected_profit == pytest.approx(expected, rel=1e-9, abs=0.0051)


def test_worth_may_be_counted_over_the_months_that_a_customer_is_expected_to_stay(
    telco: Contract, customers: Columns, tmp_path: Path
) -> None:
    economics = Economics(value_column="MonthlyCharges", value_from="survival", horizon_months=24)
    contract = telco.model_copy(update={"economics": economics})
    small_bundle(tmp_path / "bundle", contract, months=paying_months())
    found = load_scorer(tmp_path / "bundle", name="churn", version=1)
    probabilities = found.score_columns(customers)

    places = found.standings.of_columns(customers, probabilities)

    value = customer_value(economics, customers, paying_months().expected_months(customers, 24))
    expected = expected_profit(probabilities, value, economics)
    assert [place.expected_profit for place in places] == pytest.approx(expected.tolist(), abs=0.0051)
    for number in range(0, 303, 25):
        alone = found.standings.of_row(row_of(customers, number), float(probabilities[number]))
        assert alone.expected_profit == pytest.approx(places[number].expected_profit, abs=0.011)
    assert (
        Standings(contract, None, worth_of(contract.economics, None)).of_row(row_of(customers, 0), 0.5).expected_profit
        is None
    )


def test_without_segments_and_economics_nothing_is_told(tmp_path: Path) -> None:
    shop = parse_contract(WITHOUT_MONEY, "shop")
    small_bundle(tmp_path / "bundle", shop)
    plain = load_scorer(tmp_path / "bundle", name="churn", version=1)
    columns = random_columns(shop, 3, seed=1)

    probabilities = plain.score_columns(columns)
    places = plain.standings.of_columns(columns, probabilities)

    assert {(place.segment, place.expected_profit, place.expected_loss) for place in places} == {(None, None, None)}
    assert np.argsort([place.priority_score for place in places]).tolist() == np.argsort(probabilities).tolist()
    assert plain.standings.of_row(row_of(columns, 0), float(probabilities[0])) == places[0]


def test_what_serves_and_explains_imports_nothing_that_trains(bundle_folder: Path, telco: Contract) -> None:
    script = f"""
import json, sys
from pathlib import Path
from churn.scoring.loading import load_scorer
scorer = load_scorer(Path({str(bundle_folder)!r}), name="churn", version=1)
row = scorer.form.read({json.dumps(telco.example).encode()!r}).row
print(scorer.explain_row(row).top_reasons[0].words, scorer.standings.of_row(row, 0.5))
print(sorted({{name.split(".")[0] for name in sys.modules}}))
"""

    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)

    answer, modules = done.stdout.strip().splitlines()
    assert "the risk" in answer
    banned = {"sklearn", "pandas", "onnx", "shap", "catboost", "lightgbm", "xgboost", "scipy", "matplotlib", "mlflow"}
    assert not banned & set(ast.literal_eval(modules))
