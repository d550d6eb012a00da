from pathlib import Path

import numpy as np
import pytest

from churn.contract.contract import Contract
from churn.contract.table import check_table, check_target
from churn.data.files import read_table
from churn.errors import ContractError, TableError
from churn.retention.curves import curve_of, curves_of
from churn.retention.months import CategoryTerm, MonthsModel, NumberTerm
from churn.retention.survival import Stays, fit_months, stays_of, telling_columns
from churn.retention.survival_report import as_markdown
from churn.retention.survival_study import ShapeTrial, better, study_survival
from tests.churn.retention.stays import INTERCEPT, PRICE, YEARLY, club, cohort, draw, log_scale


def _term(model: MonthsModel, name: str) -> NumberTerm | CategoryTerm:
    return next(term for term in model.terms if term.name == name)


def test_a_known_weibull_law_is_learned() -> None:
    columns, left = cohort(4000, seed=0)

    model = fit_months(club(), columns, stays_of(club(), columns, left))

    price, plan = _term(model, "price"), _term(model, "plan")
    assert isinstance(price, NumberTerm)
    assert isinstance(plan, CategoryTerm)
    assert model.power == pytest.approx(0.8, rel=0.05)
    assert price.coefficient / price.spread == pytest.approx(PRICE, abs=0.08)
    effect = plan.coefficients.get("yearly", 0.0) - plan.coefficients.get("monthly", 0.0)
    assert effect == pytest.approx(YEARLY, abs=0.12)
    new = {name: values[:1] for name, values in columns.items()} | {"price": np.zeros(1, np.float32)}
    new["plan"] = np.array(["monthly"], object)
    assert model.log_scale(new)[0] == pytest.approx(INTERCEPT, abs=0.12)


def test_expected_months_are_those_that_customers_then_stay() -> None:
    columns, left = cohort(4000, seed=1)
    model = fit_months(club(), columns, stays_of(club(), columns, left))
    fresh, months, so_far = draw(40_000, seed=2)
    is_there = months > so_far
    fresh = {name: values[is_there] for name, values in fresh.items()}
    fresh["months"] = so_far[is_there].astype(np.float32)
    stayed = np.minimum(months - so_far, 12)[is_there]

    expected = model.expected_months(fresh, 12)

    assert expected.mean() == pytest.approx(stayed.mean(), rel=0.05)
    for fifth in np.array_split(np.argsort(log_scale(fresh)), 5):
        assert expected[fifth].mean() == pytest.approx(stayed[fifth].mean(), rel=0.05)


def test_a_table_without_those_who_left_long_ago_is_read_right_when_that_is_known() -> None:
    columns, months, so_far = draw(60_000, seed=3, power=1.0)
    in_table = months > np.maximum(so_far - 3, 0)
    columns = {name: values[in_table] for name, values in columns.items()}
    columns["months"] = np.minimum(months, so_far)[in_table].astype(np.float32)
    left = (months <= so_far)[in_table].astype(np.int8)
    truth = np.exp(log_scale(columns)).mean()

    naive, aware = (
        np.exp(fit_months(club(), columns, stays_of(club(), columns, left, watched_months=window)).log_scale(columns))
        for window in (None, 3.0)
    )

    assert aware.mean() == pytest.approx(truth, rel=0.1)
    assert naive.mean() > 2 * truth


def test_the_interval_of_a_curve_covers_the_truth() -> None:
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        months, until = rng.exponential(20, 200), rng.uniform(0, 40, 200)
        stays = Stays(np.minimum(months, until), (months <= until).astype(np.int8), np.zeros(200))
        _, low, high = curve_of(stays, "all").at(10)
        covered += low <= np.exp(-0.5) <= high

    assert 181 <= covered <= 198


def test_curves_are_drawn_of_groups_that_are_large_enough() -> None:
    columns, left = cohort(300, seed=0)
    groups = np.array(["few"] * 10 + [""] * 90 + ["many"] * 200, object)

    curves = curves_of(stays_of(club(), columns, left), groups)

    assert [(curve.name, curve.customers) for curve in curves] == [("not known", 90), ("many", 200)]
    assert curves[1].at(0)[0] == 1
    assert curves[1].median_months is not None
    assert curves[1].at(curves[1].median_months)[0] <= 0.5


def test_columns_that_tell_are_used_and_others_never() -> None:
    columns, left = cohort(2000, seed=0)
    columns["paid"] = columns["months"] * 2
    columns["age"] = columns["months"] + 30

    names = telling_columns(club(), columns, stays_of(club(), columns, left))

    assert set(names[:2]) == {"price", "plan"}
    assert not {"months", "paid", "age"} & set(names)


def test_missing_values_and_a_constant_column_do_no_harm() -> None:
    columns, left = cohort(800, seed=0)
    columns["price"][::5], columns["months"][::7], columns["noise"][:] = np.nan, np.nan, 1
    columns["plan"][::6] = ""

    model = fit_months(club(), columns, stays_of(club(), columns, left), shape="log_logistic")

    assert np.isfinite(model.expected_months(columns, 12)).all()
    assert "noise" not in {term.name for term in model.terms}


def test_zero_whole_months_count_as_half_a_month() -> None:
    whole = club(columns=club().model_dump()["columns"] | {"months": {"type": "integer"}})
    columns, left = cohort(100, seed=0)
    columns["months"] = np.floor(columns["months"])

    stays = stays_of(whole, columns, left)

    assert stays.months.min() == 0.5
    assert fit_months(whole, columns, stays).shortest_months == 0.5


def test_a_contract_without_survival_is_refused() -> None:
    columns, left = cohort(50, seed=0)

    with pytest.raises(ContractError, match="has no `survival`"):
        stays_of(club(survival=None), columns, left)


def test_a_table_that_nobody_left_is_refused() -> None:
    columns, left = cohort(50, seed=0)

    with pytest.raises(TableError, match="nobody left"):
        stays_of(club(), columns, left * 0)


def test_the_better_ranking_wins_then_the_better_calibration() -> None:
    first = ShapeTrial("weibull", 0.80, 0.7, 0.9, 0.05, ())

    assert better(first, ShapeTrial("log_logistic", 0.79, 0.7, 0.9, 0.01, ())) is first
    assert better(first, ShapeTrial("log_logistic", 0.798, 0.7, 0.9, 0.01, ())).shape == "log_logistic"


def test_a_study_foretells_a_known_law_and_says_what_it_assumed() -> None:
    columns, left = cohort(900, seed=0)
    columns["noise"] = np.zeros(900, np.float32)

    study = study_survival(club(), columns, left, seed=0)

    best = study.trials[0]
    truth = _concordance_of_truth(columns, left)
    assert best.low <= truth <= best.high
    assert best.calibration_error < 0.05
    assert study.model.shape == best.shape
    told = as_markdown(study)
    assert "was watched from his first day" in told
    assert "| 12 |" in told
    assert best.shape.replace("_", "-") in told.lower()


def _concordance_of_truth(columns: dict[str, np.ndarray], left: np.ndarray) -> float:
    from lifelines.utils import concordance_index

    return float(concordance_index(columns["months"], log_scale(columns), left))


def test_a_snapshot_that_contradicts_its_target_is_told_of(telco: Contract, telco_file: Path) -> None:
    raw = read_table(telco_file).columns
    columns = {name: values[:1500] for name, values in check_table(telco, raw).columns.items()}
    left = check_target(telco, raw)[0][:1500]

    study = study_survival(telco, columns, left, seed=0)

    assert study.trials[0].concordance > 0.82
    assert study.trials[0].calibration_error < 0.06
    assert not study.agrees
    assert "Use expected months with care" in as_markdown(study)
