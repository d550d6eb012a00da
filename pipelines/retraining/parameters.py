"""The parameters of `retrain`: what has to hold, and how live customers are taken."""

from datetime import timedelta

from pydantic import Field

from churn.contract.contract import Contract
from churn.evaluation.retraining import RetrainRules
from churn.labels.sightings import Silence
from pipelines.parameters import read_parameters
from pipelines.retraining.comparison import Wanted
from pipelines.training import TrainParameters


class RetrainParameters(RetrainRules):
    """pipelines/parameters/retrain.yaml."""

    comparison_share: float = Field(gt=0, lt=1)
    """Of the later rows of customers that are never trained on, the newest are held out."""

    snapshot_days: float = Field(gt=0)
    """One row of a customer in so many days, or in the contract's horizon if that is longer."""

    history_days: float = Field(gt=0)
    """How far back live customers are taken."""

    reference_rows: int = Field(ge=1)
    """So many live rows of the newest snapshot are what live customers are compared with from then on."""

    silence: Silence
    """What it means that nothing was ever heard of a customer."""

    delay_days: float = Field(ge=0)
    """How long after the horizon outcomes may still come in."""

    def after(self, contract: Contract) -> timedelta:
        """Return the time from a prediction until its outcome is due."""
        return timedelta(days=contract.target.horizon_days + self.delay_days)

    def snapshot(self, contract: Contract) -> timedelta:
        """Return how long a snapshot is."""
        return timedelta(days=max(self.snapshot_days, contract.target.horizon_days))

    def wanted(self) -> Wanted:
        """Return how large a comparison should be; the customers are those whom any training holds out."""
        return Wanted(
            customers=read_parameters("train", TrainParameters).holdout_share,
            share=self.comparison_share,
            rows=self.min_comparison_rows,
            leavers=self.min_comparison_leavers,
            reference_rows=self.reference_rows,
            reference_days=self.snapshot_days,
        )
