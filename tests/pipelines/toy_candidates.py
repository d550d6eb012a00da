"""Candidates that take no time, so that tests can search them; spawned processes import them from here."""

import time
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline

from churn.models.candidate import Candidate, Parameters, Recipe, Trial
from churn.models.logistic import CANDIDATE

SIGNAL = "signal"


class Noisy(ClassifierMixin, BaseEstimator):
    """Ranks customers by the column `signal`, blurred by noise; the less noise the better."""

    def __init__(self, *, noise: float = 0.0, kind: str = "good", seed: int = 0) -> None:
        self.noise = noise
        self.kind = kind
        self.seed = seed

    def fit(self, frame: pd.DataFrame, target: np.ndarray) -> "Noisy":
        if self.kind == "failing":
            raise ValueError(f"Expected n_neighbors <= n_samples of {len(frame)} rows")
        if self.kind == "slow":
            time.sleep(0.3)
        if self.kind == "sleepy" and self.noise != 1.0:
            time.sleep(3.1)
        self.classes_ = np.unique(target)
        return self

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        blur = np.random.default_rng(self.seed).normal(size=len(frame)) * self.noise
        leaving = 1 / (1 + np.exp(-(frame[SIGNAL].to_numpy() + blur)))
        return np.column_stack([1 - leaving, leaving])


def build(recipe: Recipe, *, kind: str, floor: float) -> Pipeline:
    noise = floor + float(recipe.parameters.get("noise", 0.0))
    return Pipeline([("model", Noisy(noise=noise, kind=kind, seed=recipe.seed))])


def suggest(trial: Trial) -> dict[str, float | int | str]:
    shape = trial.suggest_categorical("shape", ("round", "square"))
    return {"noise": trial.suggest_float("noise", 0.01, 10.0, log=True), "shape": shape, "fixed": 7}


def suggest_nothing(trial: Trial) -> dict[str, float | int | str]:
    del trial
    return {}


def toy(name: str, *, kind: str = "good", floor: float = 0.0, **changes: Any) -> Candidate:
    defaults: Parameters = {"noise": 1.0, "shape": "round"}
    made = partial(build, kind=kind, floor=floor)
    return replace(CANDIDATE, name=name, build=made, suggest=suggest, defaults=defaults, **changes)


GOOD = toy("good")
WEAK = toy("weak", floor=20.0)
SLOW = toy("slow", kind="slow")
FAILING = toy("failing", kind="failing")
FIXED = replace(toy("fixed"), suggest=suggest_nothing, defaults={})


def toy_rows(rows: int = 200) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = (np.arange(rows) % 4 == 0).astype(np.int8)
    return pd.DataFrame({SIGNAL: labels + rng.normal(scale=0.7, size=rows)}), labels
