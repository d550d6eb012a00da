"""The test in money: does the candidate's campaign earn more with the same customers than production's?"""

from churn.evaluation.gate.contacts import contact
from churn.evaluation.gate.evidence import Contender, Rows
from churn.evaluation.gate.measured import Measured, measure_by
from churn.evaluation.gate.parameters import Gate
from churn.evaluation.gate.verdict import Decision, ProfitTest


def compare_profit(rows: Rows, candidate: Contender, production: Contender, gate: Gate) -> ProfitTest:
    """Hold the candidate's campaign against production's."""
    share = gate.campaign_share
    new, old = (contact(one.promised, rows.earned, share) for one in (candidate, production))
    gain = measure_by(new.profit - old.profit, new.influence - old.influence, rows.groups)
    worth = abs(old.profit) * gate.worth_percent / 100
    return ProfitTest(
        currency=rows.currency,
        candidate=new.profit,
        production=old.profit,
        difference=gain.value,
        low=gain.low,
        high=gain.high,
        p_value=gain.p_above,
        worth=worth,
        rows=gain.rows,
        deciding=round(float(abs(new.weight - old.weight).sum())),
        campaign_share=share,
        labels_needed=_labels_needed(gain, worth),
    )


def decide(test: ProfitTest) -> Decision:
    """Promote a gain that is sure and worth a move, reject a sure loss, hold everything between."""
    if test.high < 0:
        return "reject"
    return "promote" if test.low > 0 and test.difference >= test.worth else "hold"


def _labels_needed(gain: Measured, worth: float) -> int | None:
    """A sure answer needs no more rows, whatever it is."""
    is_sure = gain.low > 0 or gain.high < 0
    return None if is_sure else gain.more_rows(max(gain.value, worth))
