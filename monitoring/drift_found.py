"""What one run of the drift job found."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from churn.bundle.files import OUTPUT
from churn.stores.drift import DriftMeasure, DriftRun
from monitoring.measures import Measure, decisive, largest_first
from monitoring.novelties import Novelty
from monitoring.profit_change import ProfitChange
from monitoring.volume import Volume

Status = Literal["drift", "no drift", "not enough data"]


@dataclass(frozen=True, slots=True)
class Found:
    """What the drift job found. Without enough data there are no measures, and no report.

    Attributes:
        message: the verdict in a sentence; it holds no value that a customer sent.
        run_id: run in MLflow of the version's training, where a copy of the report is; "" when MLflow did not answer.
        predictions: answers of this version in the window, at most the parameters' `max_rows`.
        rows: customers among them that could be read; each counts once, with the newest answer.
        unreadable_rows: customers whose row the version's contract does not hold for.
        volume: answers of all versions.
        drifted_share: share of the contract's columns that drifted, 0 … 1.
        prediction_drifted: whether the predicted probability drifted.
        measures: by column and method; the prediction is the column `churn_probability`.
        novelties: columns with new categories.
        remarks: column → why it can't tell anything.
        profit: what the drift would cost; None without economics.
        report: page for people.
    """

    status: Status
    message: str
    model: str
    version: int
    run_id: str
    at: str
    window_start: str
    predictions: int
    rows: int
    unreadable_rows: int
    volume: Volume
    reference_rows: int = 0
    drifted_share: float = 0.0
    prediction_drifted: bool = False
    measures: tuple[Measure, ...] = ()
    novelties: tuple[Novelty, ...] = ()
    remarks: Mapping[str, str] = field(default_factory=dict)
    profit: ProfitChange | None = None
    report: str | None = None

    @property
    def drifted_columns(self) -> list[str]:
        """The contract's columns that drifted, the furthest beyond its threshold first."""
        return [one.column for one in largest_first(self.measures) if one.is_drifted and one.column != OUTPUT]

    def to_json(self) -> str:
        """Return everything for programs."""
        measures = [{**asdict(one), "is_drifted": one.is_drifted} for one in self.measures]
        return json.dumps({**asdict(self), "measures": measures}, indent=2)

    def run(self) -> DriftRun:
        """Return what the SQL store keeps."""
        return DriftRun(
            model_name=self.model,
            model_version=self.version,
            at=self.at,
            window_start=self.window_start,
            window_end=self.at,
            rows=self.rows,
            drifted_share=self.drifted_share,
            is_drifted=self.status == "drift",
            report=self.report or "",
            status=self.status,
            prediction_drifted=self.prediction_drifted if self.measures else None,
            unreadable_rows=self.unreadable_rows,
            profit_change=self.profit.change if self.profit else None,
            profit_change_low=self.profit.low if self.profit else None,
            profit_change_high=self.profit.high if self.profit else None,
            rows_per_hour=self.volume.rows_per_hour,
            usual_rows_per_hour=self.volume.usual_rows_per_hour,
            volume_changed=self.volume.has_changed,
            reference_rows=self.reference_rows or None,
            words=self.message,
        )

    def stored_measures(self) -> list[DriftMeasure]:
        """Return the measures as the SQL store keeps them."""
        speaking = decisive(self.measures)
        return [
            DriftMeasure(
                one.column,
                one.method,
                one.value,
                one.threshold,
                one.is_drifted,
                is_decisive=speaking[one.column] == one,
            )
            for one in self.measures
        ]
