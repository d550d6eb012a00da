"""A bundle on sampled customers, and windows of such customers as it answers them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.eyes.drift_shifts import Shift
from churn.bundle.files import DecisionPolicy
from churn.bundle.making import Ingredients, make_bundle
from churn.contract.contract import Contract
from churn.contract.reading import load_contract
from churn.contract.table import check_table, check_target
from churn.data.sampler import sample_telco
from churn.features.frame import raw_frame
from churn.models.calibration import CalibratedPipeline
from churn.models.candidate import Recipe
from churn.models.candidates import CANDIDATES
from churn.scoring.loading import load_scorer
from churn.scoring.scorer import Scorer
from monitoring.windows import Window, reference_window

CONTRACT = Path(__file__).parent.parent.parent / "contracts" / "telco.yaml"
CANDIDATE = "lightgbm"
ROWS, EVALUATED = 7043, 1400
"""As many as the public file has, and a fifth that the model does not learn from."""

POPULATION = 200_000


@dataclass(frozen=True, slots=True)
class World:
    """One model and the customers that it answers, of whom each run draws anew."""

    contract: Contract
    bundle: Path
    scorer: Scorer
    population: Window

    @classmethod
    def made(cls, folder: Path, *, rows: int = ROWS, population: int = POPULATION) -> "World":
        """Train a model on sampled customers, with the candidate's own parameters."""
        contract, build = load_contract(CONTRACT), CANDIDATES[CANDIDATE]
        raw = sample_telco(rows, seed=0)
        columns, (target, _) = check_table(contract, raw).columns, check_target(contract, raw)
        held = rows * EVALUATED // ROWS
        training = {name: values[held:] for name, values in columns.items()}
        pipeline = build.build(Recipe(contract, dict(build.defaults), 0))
        fitted = CalibratedPipeline(pipeline, folds=5, seed=0).fit(raw_frame(training), target[held:])
        made_of = Ingredients(
            contract=contract,
            candidate=CANDIDATE,
            fitted=fitted,
            policy=DecisionPolicy(threshold=0.3, high_risk_from=0.6),
            evaluation={name: values[:held] for name, values in columns.items()},
            reference=training,
            training_data_sha256="0" * 64,
            card="# Sampled customers\n",
        )
        make_bundle(folder / "bundle", made_of)
        scorer = load_scorer(folder / "bundle", name="churn", version=1)
        people = check_table(contract, sample_telco(population, seed=1)).columns
        return cls(contract, folder / "bundle", scorer, Window(people, scorer.score_columns(people).astype(np.float64)))

    def own_reference(self) -> Window:
        """Return the bundle's sample of the customers that the model has learned from."""
        return reference_window(self.contract, self.bundle)

    def windows(self, *rows: int, seed: Sequence[int]) -> list[Window]:
        """Draw as many windows from the population, none with a customer of another."""
        drawn = np.random.default_rng(list(seed)).choice(self.population.rows, sum(rows), replace=False)
        return [_taken(self.population, place) for place in np.split(drawn, np.cumsum(rows)[:-1])]

    def shifted(self, window: Window, shift: Shift, *, seed: Sequence[int]) -> Window:
        """Return a window's customers after they have changed, as the model answers them then."""
        columns = {name: values.copy() for name, values in window.columns.items()}
        shift.change(columns, np.random.default_rng(list(seed)))
        chances = self.scorer.score_columns(columns).astype(np.float64)
        return Window(columns, chances / (chances + (1 - chances) * np.exp(-shift.log_odds)))


def _taken(window: Window, place: np.ndarray) -> Window:
    columns = {name: values[place] for name, values in window.columns.items()}
    return Window(columns, window.probabilities[place])
