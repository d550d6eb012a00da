"""Learn the numbers of the synthetic sampler from a Telco file: `python -m benchmarks.learn_sampler FILE`.

What is kept are shares, prices and weights, never rows. The shares of a cell are its own only where at least
`FEWEST_CUSTOMERS` real customers are in it; below that they are those of the next coarser cell. The weights of the
churn model are drawn towards 0 by ridge. All numbers are rounded.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

OUT = Path(__file__).parent.parent / "churn" / "data" / "telco_sampler.json"
FEWEST_CUSTOMERS = 20
PRIOR_CUSTOMERS = 15.0
"""A cell is drawn towards its coarser cell as if that many customers of the coarser cell were in it."""

TENURE_BANDS = (
    *((month, month) for month in range(7)),
    *((7, 8), (9, 10), (11, 12), (13, 15), (16, 18), (19, 21), (22, 24), (25, 30), (31, 36), (37, 42), (43, 48)),
    *((49, 54), (55, 60), (61, 63), (64, 66), (67, 68), (69, 69), (70, 70), (71, 71), (72, 72)),
)
"""First and last month of each band; inside a band each month is equally likely."""
STAGES = ((0, 1), (2, 6), (7, 12), (13, 24), (25, 48), (49, 72))

INTERNET = {"column": "InternetService", "values": ["DSL", "Fiber optic"], "otherwise": "No internet service"}
PRICED = {
    "PhoneService": ["Yes"],
    "MultipleLines": ["Yes"],
    "InternetService": ["DSL", "Fiber optic"],
    "OnlineSecurity": ["Yes"],
    "OnlineBackup": ["Yes"],
    "DeviceProtection": ["Yes"],
    "TechSupport": ["Yes"],
    "StreamingTV": ["Yes"],
    "StreamingMovies": ["Yes"],
}
CHURN_TERMS = (
    ("tenure_band",),
    ("Contract", "InternetService"),
    ("Contract", "stage"),
    ("InternetService", "stage"),
    ("PaymentMethod", "InternetService"),
    ("Contract", "PaymentMethod"),
    ("PhoneService", "MultipleLines"),
    ("OnlineSecurity", "TechSupport"),
    ("OnlineBackup",),
    ("DeviceProtection",),
    ("StreamingTV", "StreamingMovies"),
    ("StreamingMovies", "Contract"),
    ("SeniorCitizen", "InternetService"),
    ("Dependents", "SeniorCitizen"),
    ("Partner",),
    ("PaperlessBilling",),
)
SHIFT = {
    "price_rise": 0.25,
    "churn_logit": 0.4,
    "moved": {
        "InternetService": {"value": "Fiber optic", "share": 0.3},
        "Contract": {"value": "Month-to-month", "share": 0.3},
        "PaymentMethod": {"value": "Electronic check", "share": 0.3},
    },
}
"""What a shift of 1 does. Chosen, not learned."""


@dataclass(frozen=True)
class Node:
    """One column of the network; `parents` from the most to the least important."""

    column: str
    parents: tuple[str, ...] = ()
    only: dict[str, Any] | None = None


NODES = (
    Node("gender"),
    Node("SeniorCitizen"),
    Node("Partner", ("SeniorCitizen",)),
    Node("Dependents", ("Partner", "SeniorCitizen")),
    Node("InternetService", ("SeniorCitizen", "Dependents", "Partner")),
    Node("Contract", ("InternetService", "Dependents", "Partner", "SeniorCitizen")),
    Node("tenure_band", ("Contract", "Partner", "InternetService")),
    Node("stage"),
    Node(
        "PhoneService",
        ("InternetService", "stage"),
        {"column": "InternetService", "values": ["DSL"], "otherwise": "Yes"},
    ),
    Node(
        "MultipleLines",
        ("InternetService", "stage", "SeniorCitizen"),
        {"column": "PhoneService", "values": ["Yes"], "otherwise": "No phone service"},
    ),
    Node("OnlineSecurity", ("InternetService", "stage", "Contract", "Dependents"), INTERNET),
    Node("TechSupport", ("InternetService", "Contract", "stage", "OnlineSecurity"), INTERNET),
    Node("OnlineBackup", ("InternetService", "stage", "Contract", "OnlineSecurity"), INTERNET),
    Node("DeviceProtection", ("InternetService", "stage", "Contract", "TechSupport"), INTERNET),
    Node("StreamingTV", ("InternetService", "stage", "PhoneService", "Contract", "DeviceProtection"), INTERNET),
    Node("StreamingMovies", ("StreamingTV", "InternetService", "stage", "Contract", "PhoneService"), INTERNET),
    Node("PaperlessBilling", ("InternetService", "Contract", "SeniorCitizen", "StreamingTV")),
    Node("PaymentMethod", ("InternetService", "Contract", "stage", "PaperlessBilling", "SeniorCitizen")),
)


def learn(customers: pd.DataFrame) -> dict[str, Any]:
    """Return the sampler's parameters, ready for JSON."""
    values = values_of(customers)
    codes = codes_of(customers, values)
    learned = [node for node in NODES if node.column != "stage"]
    return {
        "source": "IBM Telco Customer Churn (Apache-2.0), summarised by benchmarks/learn_sampler.py; no rows",
        "customers": len(customers),
        "values": values,
        "tenure_bands": [list(band) for band in TENURE_BANDS],
        "stages": [list(stage) for stage in STAGES],
        "tables": [learn_table(node, codes, values) for node in learned],
        "price": learn_price(customers),
        "total_noise": learn_total_noise(customers),
        "churn": learn_churn(codes, values, (customers["Churn"] == "Yes").to_numpy()),
        "shift": SHIFT,
    }


def values_of(customers: pd.DataFrame) -> dict[str, list[str]]:
    """Return the values of every coded column; a code is a place in this list."""
    ordinal = {"tenure_band": len(TENURE_BANDS), "stage": len(STAGES)}
    return {
        node.column: [str(code) for code in range(ordinal[node.column])]
        if node.column in ordinal
        else sorted(customers[node.column].unique())
        for node in NODES
    }


def codes_of(customers: pd.DataFrame, values: dict[str, list[str]]) -> dict[str, np.ndarray]:
    """Return each column as whole numbers, shape (customers,)."""
    months = customers["tenure"].astype(int).to_numpy()
    coded = {
        "tenure_band": np.searchsorted([last for _, last in TENURE_BANDS], months),
        "stage": np.searchsorted([last for _, last in STAGES], months),
    }
    for column, known in values.items():
        if column not in coded:
            coded[column] = pd.Categorical(customers[column], categories=known).codes.astype(np.int64)
    return coded


def learn_table(node: Node, codes: dict[str, np.ndarray], values: dict[str, list[str]]) -> dict[str, Any]:
    """Return the shares of a column's values in each cell of its parents."""
    rows = np.ones(len(codes[node.column]), dtype=bool)
    if node.only:
        column = str(node.only["column"])
        rows = np.isin(codes[column], [values[column].index(value) for value in node.only["values"]])
    shares = smoothed_shares(
        codes[node.column][rows],
        [codes[parent][rows] for parent in node.parents],
        [len(values[name]) for name in (*node.parents, node.column)],
    )
    return {"column": node.column, "parents": node.parents, "only": node.only, "shares": rounded(shares)}


def smoothed_shares(codes: np.ndarray, parents: list[np.ndarray], sizes: list[int]) -> np.ndarray:
    """Return shares, shape (cells of the parents, values), each cell drawn towards its coarser cell."""
    shares = (np.bincount(codes, minlength=sizes[-1]) / len(codes))[None, :]
    cell = np.zeros(len(codes), dtype=np.int64)
    for parent, size in zip(parents, sizes, strict=False):
        cell = cell * size + parent
        counts = np.zeros((len(shares) * size, sizes[-1]))
        np.add.at(counts, (cell, codes), 1)
        coarser = np.repeat(shares, size, axis=0)
        inside = counts.sum(axis=1, keepdims=True)
        drawn = (counts + PRIOR_CUSTOMERS * coarser) / (inside + PRIOR_CUSTOMERS)
        shares = np.where(inside >= FEWEST_CUSTOMERS, drawn, coarser)
    return shares


def rounded(shares: np.ndarray) -> list[list[float]]:
    """Round to thousandths; the sampler makes each row sum to 1 again."""
    return [[float(share) for share in row] for row in shares.round(3)]


def learn_price(customers: pd.DataFrame) -> dict[str, Any]:
    """Return the price list by least squares, and the spread around it for each internet service, in USD."""
    bought = {(column, value): (customers[column] == value) for column, values in PRICED.items() for value in values}
    design = np.column_stack([np.ones(len(customers)), *bought.values()]).astype(float)
    charges = customers["MonthlyCharges"].astype(float).to_numpy()
    prices, *_ = np.linalg.lstsq(design, charges, rcond=None)
    rest = pd.Series(charges - design @ prices)
    spread = rest.groupby(customers["InternetService"].to_numpy()).std().round(3)
    items: dict[str, dict[str, float]] = {}
    for (column, value), price in zip(bought, prices[1:], strict=True):
        items.setdefault(column, {})[value] = round(float(price), 3)
    return {"start": round(float(prices[0]), 3), "items": items, "noise": spread.to_dict()}


def learn_total_noise(customers: pd.DataFrame) -> float:
    """Return the spread of TotalCharges - MonthlyCharges × tenure, in units of √(MonthlyCharges × (tenure - 1))."""
    months = customers["tenure"].astype(int)
    later = customers[months > 1]
    charges, months = later["MonthlyCharges"].astype(float), months[months > 1]
    rest: pd.Series = (later["TotalCharges"].astype(float) - charges * months) / np.sqrt(charges * (months - 1))
    return round(float(rest.std()), 3)


def learn_churn(codes: dict[str, np.ndarray], values: dict[str, list[str]], left: np.ndarray) -> dict[str, Any]:
    """Return an additive logistic model over cells of one or two columns; ridge by cross-validation."""
    sizes = [int(np.prod([len(values[column]) for column in term])) for term in CHURN_TERMS]
    design = np.hstack([one_hot(codes, term, values) for term in CHURN_TERMS])
    strengths = (0.01, 0.03, 0.1, 0.3, 1.0)
    models = [LogisticRegression(C=strength, solver="newton-cholesky") for strength in strengths]
    losses = [cross_val_score(model, design, left, cv=5, scoring="neg_log_loss").mean() for model in models]
    best = models[int(np.argmax(losses))].fit(design, left)
    weights = np.split(best.coef_[0].round(3), np.cumsum(sizes)[:-1])
    return {
        "start": round(float(best.intercept_[0]), 3),
        "terms": [
            {"columns": term, "weights": [float(weight) for weight in cells]}
            for term, cells in zip(CHURN_TERMS, weights, strict=True)
        ],
    }


def one_hot(codes: dict[str, np.ndarray], term: tuple[str, ...], values: dict[str, list[str]]) -> np.ndarray:
    """Return which cell of the term each customer is in, shape (customers, cells)."""
    sizes = tuple(len(values[column]) for column in term)
    return np.eye(int(np.prod(sizes)))[np.ravel_multi_index([codes[column] for column in term], sizes)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    parameters = learn(pd.read_csv(arguments.file, dtype=str))
    arguments.out.write_text(compact(parameters), encoding="utf-8")
    print(f"wrote {arguments.out} ({arguments.out.stat().st_size:,} bytes)")


def compact(parameters: dict[str, Any]) -> str:
    """Return JSON with one subject on a line, so that a new learning shows as a readable change."""
    tables = ",\n  ".join(one_line(table) for table in parameters["tables"])
    rest = [f"{one_line(key)}: {one_line(value)}" for key, value in parameters.items() if key != "tables"]
    lines = ",\n ".join([*rest, f'"tables": [\n  {tables}\n ]'])
    return f"{{\n {lines}\n}}\n"


def one_line(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    main()
