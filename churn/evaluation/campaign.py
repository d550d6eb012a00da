"""The campaign: what the model's probabilities are worth in money, with yardsticks, intervals and sensitivity."""

from collections.abc import Iterator
from dataclasses import dataclass

from churn.contract.economics import Economics
from churn.evaluation.profit_curve import ProfitCurve, profit_curve
from churn.evaluation.scored import Scored
from churn.evaluation.sensitivity import Swing, sensitivity
from churn.evaluation.threshold import BestThreshold, best_threshold
from churn.evaluation.yardsticks import MODEL, Yardstick, yardsticks
from churn.retention.profit import expected_profit


@dataclass(frozen=True, slots=True)
class Campaign:
    """What contacting customers at risk earns; money is per customer of the table, contacted or not.

    Attributes:
        threshold: probability from which customers are contacted.
        best: the threshold with the highest profit; `threshold` is lower when a recall is wanted.
        by_probability: profit by campaign size, the riskiest first.
        by_profit: profit by campaign size, the highest expected profit first.
        yardsticks: the model's campaign first, then the others.
        sensitivity: assumptions at 50 % and 150 %, the strongest first.
        economics: what was assumed.
    """

    threshold: float
    best: BestThreshold
    by_probability: ProfitCurve
    by_profit: ProfitCurve
    yardsticks: tuple[Yardstick, ...]
    sensitivity: tuple[Swing, ...]
    economics: Economics

    def metrics(self) -> dict[str, float]:
        """Return the numbers that a run is compared by."""
        model, others = self.yardsticks[0], {way.name: way for way in self.yardsticks}
        return {
            "profit_per_customer": model.profit,
            "profit_per_customer_low": model.low,
            "profit_per_customer_high": model.high,
            "profit_over_contact_all": others["contact all"].model_ahead,
            "profit_over_contact_all_low": others["contact all"].ahead_low,
            "profit_over_contact_all_high": others["contact all"].ahead_high,
            "profit_over_random": others["random"].model_ahead,
            "profit_of_oracle": others["oracle"].profit,
            "campaign_share": model.contacted,
            "campaign_share_best": self.by_profit.best_share,
            "threshold_best": self.best.value,
            "threshold_best_low": self.best.low,
            "threshold_best_high": self.best.high,
        }

    def as_markdown(self) -> str:
        """Return the campaign for people: the yardsticks, the threshold and the sensitivity."""
        return "\n".join(_markdown(self))


def plan_campaign(scored: Scored, economics: Economics, threshold: float, *, seed: int = 0) -> Campaign:
    """Return what the campaign of a threshold earned with customers whose outcome is known.

    Args:
        scored: customers with outcomes, scored by a model that did not see them.
        economics: worth, costs, and the distribution of the offer's success.
        threshold: probability from which customers are contacted, from `choose_threshold`.
        seed: of the resamples.
    """
    promised = expected_profit(scored.probability, scored.value, economics)
    return Campaign(
        threshold=threshold,
        best=best_threshold(scored, economics, seed=seed),
        by_probability=profit_curve(scored, economics, scored.probability, seed=seed),
        by_profit=profit_curve(scored, economics, promised, seed=seed),
        yardsticks=yardsticks(scored, economics, threshold, seed=seed),
        sensitivity=sensitivity(scored, economics, threshold),
        economics=economics,
    )


def _markdown(campaign: Campaign) -> Iterator[str]:
    money = campaign.economics.currency
    yield f"What contacting earns, in {money} per customer of the table (contacted or not), with 95 % intervals:"
    yield ""
    yield f"| who is contacted | share | {money} per customer | the model is ahead by |"
    yield "|---|---:|---:|---:|"
    yield from map(_yardstick_line, campaign.yardsticks)
    yield ""
    yield from _assumptions(campaign)
    yield ""
    yield "| if this were … | at 50 % | at 150 % | best threshold then |"
    yield "|---|---:|---:|---:|"
    yield from map(_swing_line, campaign.sensitivity)


def _yardstick_line(way: Yardstick) -> str:
    ahead = "" if way.name == MODEL else f"{way.model_ahead:.2f} ({way.ahead_low:.2f} to {way.ahead_high:.2f})"
    profit = f"{way.profit:.2f} ({way.low:.2f} to {way.high:.2f})"
    return f"| **{way.name}**: {way.words} | {way.contacted:.0%} | {profit} | {ahead} |"


def _swing_line(swing: Swing) -> str:
    thresholds = f"{swing.threshold_at_half:.3f} to {swing.threshold_at_more:.3f}"
    return f"| {swing.name} | {swing.at_half:.2f} | {swing.at_more:.2f} | {thresholds} |"


def _assumptions(campaign: Campaign) -> Iterator[str]:
    costs, best = campaign.economics, campaign.best
    yield (
        f"Assumed: contacting a customer costs {costs.contact_cost:g} {costs.currency}, an offer that is taken costs "
        f"{costs.offer_cost:g} {costs.currency}; {costs.offer_success.mean:.0%} of those who are about to leave stay "
        "for it, and everybody else who is contacted takes it too. The intervals hold what is not known of the offer's "
        "success, and which customers happened to be in the table; those of differences, which are surer, compare the "
        "same customers at the same success."
    )
    yield ""
    yield f"Profit is highest from a probability of {best.value:.3f} on (outcomes: {best.low:.3f} to {best.high:.3f})."
