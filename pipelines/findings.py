"""What a training finds out beside the model: staying, money, reasons, segments. Each is computed, and logged."""

from collections.abc import Mapping
from dataclasses import replace
from math import isfinite

import mlflow
import numpy as np

from churn.bundle.explaining import explanation_graph
from churn.bundle.explanation_session import ExplanationSession
from churn.contract.contract import Contract
from churn.evaluation.campaign import Campaign, plan_campaign
from churn.evaluation.empc import expected_maximum_profit
from churn.evaluation.money_plots import money_plots
from churn.evaluation.scored import Scored
from churn.evaluation.survival_plots import calibration_plot, curves_plot
from churn.features.frame import raw_frame
from churn.retention.curves import Curve, curves_of
from churn.retention.profit import customer_value
from churn.retention.survival import stays_of
from churn.retention.survival_report import as_markdown as survival_markdown
from churn.retention.survival_study import SurvivalStudy, study_survival
from churn.segments.assignment import SegmentBook
from churn.segments.clusters import find_segments
from churn.segments.plots import plots as segment_plots
from churn.segments.report import as_markdown as segments_markdown
from pipelines.development import Finalist
from pipelines.training import Training

EXPLAINED_ROWS = 2000


def find_staying(training: Training) -> SurvivalStudy | None:
    """Fit how long customers stay; None when the contract does not ask for it."""
    contract, customers = training.contract, training.train
    if contract.survival is None:
        return None
    watched = contract.survival.watched_months
    study = study_survival(
        contract, customers.columns, customers.labels, seed=training.parameters.seed, watched_months=watched
    )
    best = study.trials[0]
    mlflow.log_metrics({"survival_concordance": best.concordance, "survival_calibration_error": best.calibration_error})
    mlflow.log_metrics({"survival_concordance_low": best.low, "survival_concordance_high": best.high})
    mlflow.log_text(survival_markdown(study), "survival/survival.md")
    mlflow.log_text(study.model.model_dump_json(indent=1), "survival/months.json")
    mlflow.log_figure(curves_plot([study.overall, *_curves_by_category(training, study)]), "survival/curves.png")
    mlflow.log_figure(calibration_plot(best.calibration), "survival/calibration.png")
    return study


def _curves_by_category(training: Training, study: SurvivalStudy) -> list[Curve]:
    """Curves by the category that tells most; by segment they would be circular, since segments may know the tenure."""
    contract, customers = training.contract, training.train
    told = [term.name for term in study.model.terms if not contract.columns[term.name].is_numeric]
    if not told or contract.survival is None:
        return []
    watched = contract.survival.watched_months
    stays = stays_of(contract, customers.columns, customers.labels, watched_months=watched)
    return curves_of(stays, customers.columns[told[0]])


def with_values(training: Training, staying: SurvivalStudy | None) -> Training:
    """Add what each customer is worth, when the contract says how."""
    values = values_of(training.contract, training.train.columns, staying)
    return replace(training, train=replace(training.train, values=values))


def values_of(
    contract: Contract, columns: Mapping[str, np.ndarray], staying: SurvivalStudy | None
) -> np.ndarray | None:
    """Return what customers are worth, shape (rows,); None without economics."""
    economics = contract.economics
    if economics is None:
        return None
    if economics.value_from == "horizon" or staying is None:
        return customer_value(economics, columns)
    return customer_value(economics, columns, staying.model.expected_months(dict(columns), economics.horizon_months))


def find_campaign(training: Training, best: Finalist) -> Campaign | None:
    """Judge a campaign at the model's threshold, out of fold; None without economics."""
    economics, customers = training.contract.economics, training.train
    if economics is None or customers.values is None:
        return None
    scored = Scored.of(customers.labels, best.fitted.out_of_fold_, customers.values, customers.groups)
    campaign = plan_campaign(scored, economics, best.threshold, seed=training.parameters.seed)
    empc = expected_maximum_profit(
        scored.target, scored.probability, economics, value=float(scored.value.mean()), groups=scored.groups
    )
    numbers = campaign.metrics() | {"empc": empc.value, "empc_gain_over_contact_all": empc.gain_over_contact_all}
    mlflow.log_metrics({f"money_{name}": value for name, value in numbers.items() if isfinite(value)})
    mlflow.log_text(campaign.as_markdown(), "money/campaign.md")
    for name, figure in money_plots(campaign, scored).items():
        mlflow.log_figure(figure, f"money/{name}.png")
    return campaign


def find_drivers(training: Training, best: Finalist) -> dict[str, float] | None:
    """Return each column's mean absolute contribution in log-odds, largest first; None when there are no reasons."""
    contract = training.contract
    sample = np.random.default_rng(0).permutation(len(training.train.labels))[:EXPLAINED_ROWS]
    columns = training.train.only(sample).columns
    graph = explanation_graph(best.candidate, best.fitted, contract, raw_frame(columns))
    if graph is None:
        return None
    contributions = ExplanationSession(graph.SerializeToString(), contract).explain(columns)
    sizes = dict(zip(contract.columns, np.abs(contributions[:, :-1]).mean(axis=0).tolist(), strict=True))
    return dict(sorted(sizes.items(), key=lambda one: -one[1]))


def find_segments_of(training: Training) -> SegmentBook | None:
    """Group the customers, with how long each group stays; None when the contract does not ask for it."""
    contract, customers = training.contract, training.train
    if contract.segments is None:
        return None
    seed = training.parameters.seed
    book = find_segments(contract, customers.columns, customers.labels, seed=seed, values=customers.values)
    mlflow.log_text(segments_markdown(book), "segments/segments.md")
    mlflow.log_text(book.model_dump_json(indent=1), "segments/segments.json")
    mlflow.log_metric("segments", len(book.segments))
    for name, figure in segment_plots(book, customers.columns).items():
        mlflow.log_figure(figure, f"segments/{name}.png")
    return book
