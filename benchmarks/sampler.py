"""Measure the synthetic sampler against the real file: `python -m benchmarks.sampler --data FILE`."""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from benchmarks.learn_sampler import learn
from churn.data.sampler import sample_telco
from churn.data.sampler_parameters import parameters_from

NUMBERS = ["tenure", "MonthlyCharges", "TotalCharges"]
QUANTILES = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
SEEDS = range(5)
FLOOR_ROC_AUC = 0.83

Pair = tuple[pd.DataFrame, pd.DataFrame]
"""Customers to train on, customers to test on."""

Model = Callable[[int], Pipeline]
Distance = Callable[[pd.DataFrame, pd.DataFrame], float]


@dataclass(frozen=True, slots=True)
class Row:
    """One measured thing over the seeds (or folds)."""

    name: str
    values: tuple[float, ...]
    goal: str = ""
    decimals: int = 4

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Name, mean, range and goal, for a table."""
        mean, low, high = np.mean(self.values), min(self.values), max(self.values)
        places = self.decimals
        return self.name, f"{mean:,.{places}f}", f"{low:,.{places}f} … {high:,.{places}f}", self.goal


def measure(data: Path, seeds: Sequence[int] = SEEDS) -> list[Row]:
    """Return what a reader needs to trust the sampler: use, likeness, speed."""
    real = read_customers(data)
    samples = {seed: synthetic_customers(len(real), seed) for seed in seeds}
    return [*use_rows(real, samples), *likeness_rows(real, samples), speed_row(seeds)]


def read_customers(data: Path) -> pd.DataFrame:
    return typed(pd.read_csv(data, dtype=str))


def synthetic_customers(rows: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    return typed(pd.DataFrame(sample_telco(rows, seed=seed, shift=shift)))


def typed(texts: pd.DataFrame) -> pd.DataFrame:
    """Numbers as numbers (a blank as 0: nothing charged yet), the id away."""
    numbers = texts[NUMBERS].apply(pd.to_numeric, errors="coerce").fillna(0.0)
    return texts.drop(columns="customerID").assign(**numbers)


def logistic(seed: int) -> Pipeline:
    del seed
    texts = OneHotEncoder(handle_unknown="ignore")
    return make_pipeline(
        make_column_transformer((StandardScaler(), NUMBERS), remainder=texts), LogisticRegression(max_iter=2000)
    )


def boosted(seed: int) -> Pipeline:
    texts = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    trees = HistGradientBoostingClassifier(max_iter=120, learning_rate=0.05, max_leaf_nodes=8, random_state=seed)
    return make_pipeline(make_column_transformer(("passthrough", NUMBERS), remainder=texts), trees)


MODELS = {"logistic regression": logistic, "gradient boosting": boosted}


def use_rows(real: pd.DataFrame, samples: dict[int, pd.DataFrame]) -> list[Row]:
    """ROC-AUC on the real file: trained on samples, beside trained on the real file by cross-validation."""
    rows = []
    held_out = [(synthetic_like(train, len(real)), test) for train, test in folds(real)]
    for name, model in MODELS.items():
        aucs = tuple(roc_auc(model(seed), sample, real) for seed, sample in samples.items())
        rows += [
            Row(f"ROC-AUC on real, trained on a sample: {name}", aucs, f"≥ {FLOOR_ROC_AUC}"),
            Row(f"the same, sampler learned without the tested fold: {name}", roc_aucs(model, held_out)),
            Row(f"the same, trained on the real other folds: {name}", roc_aucs(model, folds(real))),
        ]
    return rows


def roc_auc(model: Pipeline, train: pd.DataFrame, test: pd.DataFrame) -> float:
    model.fit(train.drop(columns="Churn"), train["Churn"] == "Yes")
    chances = model.predict_proba(test.drop(columns="Churn"))[:, 1]
    return float(roc_auc_score(test["Churn"] == "Yes", chances))


def synthetic_like(train: pd.DataFrame, rows: int) -> pd.DataFrame:
    """The committed numbers have seen the whole file; these have not seen the customers that are tested."""
    parameters = parameters_from(learn(train))
    return typed(pd.DataFrame(sample_telco(rows, seed=0, parameters=parameters)))


def roc_aucs(model: Model, pairs: list[Pair]) -> tuple[float, ...]:
    return tuple(roc_auc(model(0), train, test) for train, test in pairs)


def folds(real: pd.DataFrame) -> list[Pair]:
    split = StratifiedKFold(5, shuffle=True, random_state=0).split(real, real["Churn"])
    return [(real.iloc[train], real.iloc[test]) for train, test in split]


def likeness_rows(real: pd.DataFrame, samples: dict[int, pd.DataFrame]) -> list[Row]:
    """How far marginals are apart; 'noise floor' is a bootstrap of the real file against the real file."""
    resampled = {seed: real.sample(len(real), replace=True, random_state=seed) for seed in samples}
    rows = []
    for name, distance in DISTANCES.items():
        rows.append(Row(name, tuple(distance(real, sample) for sample in samples.values())))
        rows.append(Row(f"{name}: noise floor", tuple(distance(real, again) for again in resampled.values())))
    return rows


def share_distance(real: pd.DataFrame, sample: pd.DataFrame) -> float:
    return max(apart(shares(real, column), shares(sample, column)) for column in categories_of(real))


def pair_distance(real: pd.DataFrame, sample: pd.DataFrame) -> float:
    columns = [*categories_of(real), "Churn"]
    pairs = [(first, second) for place, first in enumerate(columns) for second in columns[place + 1 :]]
    return max(apart(shares(real, [*pair]), shares(sample, [*pair])) for pair in pairs)


def churn_distance(real: pd.DataFrame, sample: pd.DataFrame) -> float:
    return max(apart(churn_rates(real, column), churn_rates(sample, column)) for column in categories_of(real))


def quantile_distance(column: str) -> Distance:
    def distance(real: pd.DataFrame, sample: pd.DataFrame) -> float:
        return apart(real[column].quantile(QUANTILES), sample[column].quantile(QUANTILES))

    return distance


DISTANCES = {
    "max abs Δ share of a category": share_distance,
    "max abs Δ share of a pair of categories": pair_distance,
    "max abs Δ churn rate in a category": churn_distance,
    **{f"max abs Δ 5/25/50/75/95 % quantile of {column}": quantile_distance(column) for column in NUMBERS},
}


def categories_of(customers: pd.DataFrame) -> list[str]:
    return [str(column) for column in customers if column not in {*NUMBERS, "Churn"}]


def shares(customers: pd.DataFrame, columns: str | list[str]) -> pd.Series:
    return customers[columns].value_counts(normalize=True)


def churn_rates(customers: pd.DataFrame, column: str) -> pd.Series:
    return (customers["Churn"] == "Yes").groupby(customers[column]).mean()


def apart(real: pd.Series, sample: pd.Series) -> float:
    return float(real.sub(sample, fill_value=0.0).abs().max())


def speed_row(seeds: Sequence[int], rows: int = 200_000) -> Row:
    return Row("rows sampled per second", tuple(rows_per_second(rows, seed) for seed in seeds), "≥ 200,000", decimals=0)


def rows_per_second(rows: int, seed: int) -> float:
    start = time.perf_counter()
    sample_telco(rows, seed=seed)
    return rows / (time.perf_counter() - start)


def markdown(rows: list[Row]) -> str:
    header = ["| measured | mean | range | goal |", "|---|---|---|---|"]
    return "\n".join([*header, *("| " + " | ".join(row.cells) + " |" for row in rows)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the real Telco-Customer-Churn.csv")
    print(markdown(measure(parser.parse_args().data)))


if __name__ == "__main__":
    main()
