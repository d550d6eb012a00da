"""What the performance job found of one version."""

import json
from dataclasses import asdict, dataclass

from churn.evaluation.degradation import Change
from churn.stores.performance import ALL, PerformanceMeasure, PerformanceRun


@dataclass(frozen=True, slots=True)
class PerformanceFound:
    """One version, looked at once.

    Attributes:
        run: as it is stored.
        measures: of all customers and of parts of them, observed, estimated and held out.
        changes: against held-out customers.
        run_id: of the version's training in MLflow, where a copy of the report is; "" when MLflow did not answer.
        currency: of money; None when there is none.
    """

    run: PerformanceRun
    measures: tuple[PerformanceMeasure, ...]
    changes: tuple[Change, ...]
    run_id: str
    currency: str | None

    def of_all(self, measure: str, source: str) -> PerformanceMeasure | None:
        """Return a measure over all customers."""
        found = (one for one in self.measures if (one.dimension, one.measure, one.source) == (ALL, measure, source))
        return next(found, None)

    def of_dimension(self, dimension: str, measure: str) -> list[PerformanceMeasure]:
        """Return a measure of each part, by name; of a part at most once."""
        found = (one for one in self.measures if (one.dimension, one.measure) == (dimension, measure))
        return sorted(found, key=lambda one: one.part)

    def to_json(self) -> str:
        """Return everything for programs."""
        return json.dumps(
            {
                **asdict(self.run),
                "run_id": self.run_id,
                "currency": self.currency,
                "changes": [asdict(one) for one in self.changes],
                "measures": [asdict(one) for one in self.measures],
            },
            indent=2,
        )
