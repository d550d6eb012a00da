"""What is told of a segment: its size, who left, what it is worth, and what sets it apart."""

from pydantic import Field

from churn.segments.scales import Frozen


class Trait(Frozen):
    """How the customers of one segment differ from all others in one column."""

    column: str
    words: str
    """For people: "Contract: 98 % Month-to-month (others 41 %)"."""

    effect: float
    """Numbers: difference of the means in standard deviations. Categories: difference of the shares, 0 … 1."""

    cramers_v: float | None = None
    """Categories: how strongly the whole column goes with the segment, 0 … 1."""

    p_adjusted: float = Field(ge=0, le=1)
    """After Benjamini and Hochberg over all columns of all segments."""

    is_grouped_by: bool
    """True: the segments were made from this column or its kin, so that its difference proves nothing."""

    is_protected: bool = False

    @property
    def strength(self) -> float:
        """Size of the difference on one scale: about 0.2 is small, 0.8 is large (Cohen, 1988)."""
        return abs(self.effect) if self.cramers_v is None else 2 * self.cramers_v

    @property
    def is_clear(self) -> bool:
        """True when chance does not explain the difference, and it is not tiny."""
        return self.p_adjusted <= 0.05 and self.strength >= 0.2


class Segment(Frozen):
    """One group of alike customers; the figures are those of the table that it was found in."""

    name: str
    centre: tuple[float, ...]
    """Where it lies, in the coordinates of the book's scales."""

    size: int = Field(ge=0)
    share: float = Field(ge=0, le=1)
    churn_rate: float = Field(ge=0, le=1)
    churn_low: float = Field(ge=0, le=1)
    churn_high: float = Field(ge=0, le=1)
    """95 % interval of the churn rate (Wilson, 1927)."""

    mean_value: float | None = None
    """What one customer is worth, in the currency; None: the contract does not say."""

    value_at_risk: float | None = None
    """Worth of those who left: what the segment loses in one period."""

    traits: tuple[Trait, ...] = ()
    """What sets it apart, strongest first."""


class Trial(Frozen):
    """One number of segments that was tried."""

    count: int
    stability: float
    """Adjusted Rand index of two clusterings of resampled customers, mean over pairs; 1 is the same groups."""

    silhouette: float
    """How much nearer a customer is to his own segment than to the next: 1 far apart, 0 touching."""

    silhouette_of_one_cloud: float
    """The same on random points of one cloud with these data's spreads and correlations: what cutting alone gives."""

    smallest_share: float


class Choice(Frozen):
    """Why there are as many segments as there are."""

    count: int
    is_discovered: bool
    """True: the groups lie apart in the data. False: they are a convenient division of one crowd."""

    why: str
    trials: tuple[Trial, ...] = ()
    """Empty when the contract fixes the number."""
