"""The judgement: what the evidence says of the candidate."""

from churn.evaluation.gate.evidence import Evidence
from churn.evaluation.gate.parameters import Gate
from churn.evaluation.gate.verdict import Verdict


def judge(evidence: Evidence, gate: Gate) -> Verdict:
    """Hold the candidate against every guard-rail and, when there is one, against production in money.

    Raises:
        UsageError: the evidence holds what can't be judged: shapes that differ, a probability that is none.
    """
    failed = tuple(one.words for one in evidence.guards if one.outcome == "failed")
    return Verdict("reject", failed or (f"the gate could not judge: not built yet ({gate.campaign_share})",))
