"""The model card: what a version is for, what it is worth, how good it is, and where it must not be trusted.

Written for somebody who decides about customers, not who trains models: first words and money, then tables.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from churn.bundle.files import DecisionPolicy
from churn.contract.contract import Contract
from churn.evaluation.fairness import GroupReport, fairness_markdown
from churn.evaluation.intervals import Estimate
from churn.evaluation.slices import Slice, slices_markdown, weakest

MEASURED = {
    "roc_auc": "a leaver is ranked above a stayer in this share of pairs (ROC-AUC)",
    "pr_auc": "calls that are right, over all sizes of campaign (PR-AUC)",
    "recall": "leavers found at the threshold (recall)",
    "precision": "calls that are right at the threshold (precision)",
    "f1": "both in one number (F1)",
    "at_risk": "customers at risk at the threshold",
    "lift_at_10_percent": "times more leavers among the riskiest 10 % than among all (lift)",
    "lift_at_20_percent": "the same among the riskiest 20 %",
    "brier": "squared error of the probabilities (Brier score; 0 is best)",
    "calibration_slope": "calibration slope (1 is right; below 1 the probabilities are too extreme)",
    "calibration_error": "mean gap between predicted and observed shares (calibration error)",
}
WEAKEST = 6
DRIVERS = 5


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What the card tells; texts are Markdown, and an empty one leaves its section out.

    Attributes:
        kind: the candidate, in words.
        why: why this candidate was chosen, as a sentence.
        estimates: measures of the out-of-fold scores of the training customers.
        base_rate: share of the customers who left.
        threshold_words: how the threshold was chosen.
        drivers: mean absolute contribution of each column in log-odds, largest first.
        made: how it was made, one sentence an item.
    """

    contract: Contract
    kind: str
    why: str
    policy: DecisionPolicy
    threshold_words: str
    estimates: Mapping[str, Estimate]
    customers: int
    base_rate: float
    made: Sequence[str]
    money: str = ""
    drivers: Mapping[str, float] | None = None
    slices: Sequence[Slice] = ()
    fairness: Sequence[GroupReport] = ()
    segments: str = ""
    survival: str = ""


def write_card(facts: CardFacts) -> str:
    """Return the card as Markdown; it travels in the bundle and is the version's description."""
    parts = (
        _summary,
        _use,
        _money,
        _measures,
        _drivers,
        _weak_spots,
        _fairness,
        _segments,
        _survival,
        _making,
        _limits,
    )
    return "\n\n".join("\n".join(lines) for part in parts if (lines := list(part(facts)))) + "\n"


def _summary(facts: CardFacts) -> Iterator[str]:
    contract, found = facts.contract, facts.estimates
    yield f"# Who leaves: {contract.name}\n"
    if contract.description:
        yield f"{contract.description}.\n"
    yield (
        f"Of 100 customers, {facts.base_rate * 100:.0f} left. This model says for each customer how probable that is: "
        f"take one who left and one who stayed, and it ranks them right in {_percent(found['roc_auc'])} of cases. "
        f"Contacting everybody above the threshold of {facts.policy.threshold:.3f} means contacting "
        f"{found['at_risk'].value:.0%} of the customers; it reaches {_percent(found['recall'])} of those who leave, "
        f"and {_percent(found['precision'])} of the contacts are to somebody who would leave."
    )


def _use(facts: CardFacts) -> Iterator[str]:
    yield "## What it is for\n"
    yield (
        "**For** deciding whom to contact with an offer, in which order, and how many. A probability of 30 % means "
        f"that of 100 such customers about 30 leave within {facts.contract.target.horizon_days} days."
    )
    yield ""
    yield (
        "**Not for** prices, credit, service quality or dismissal of any single person, and not for saying *why* "
        "somebody leaves: the reasons are what the model looked at, not causes. Whether an offer keeps a customer is a "
        "question for an experiment."
    )


def _money(facts: CardFacts) -> Iterator[str]:
    if facts.money:
        yield "## What it is worth\n"
        yield facts.money.strip()


def _measures(facts: CardFacts) -> Iterator[str]:
    yield "## How good it is\n"
    yield (
        f"Measured on {facts.customers:,} customers, each scored by a model that had not seen that customer. The range "
        "holds the true value in 95 of 100 such measurements.\n"
    )
    yield "| | value | range |"
    yield "|---|--:|---|"
    for name, words in MEASURED.items():
        found = facts.estimates[name]
        yield f"| {words} | {found.value:.3f} | {found.low:.3f} – {found.high:.3f} |"
    yield f"\nThe threshold: {facts.threshold_words}."
    yield f"Customers from {facts.policy.high_risk_from:.2f} on are HIGH risk."


def _drivers(facts: CardFacts) -> Iterator[str]:
    if not facts.drivers:
        return
    yield "## What it looks at\n"
    yield "Columns by how far they move the prediction of a customer on average:\n"
    total = sum(facts.drivers.values()) or 1.0
    for name, size in list(facts.drivers.items())[:DRIVERS]:
        column = facts.contract.columns.get(name)
        words = f" ({column.description})" if column and column.description else ""
        yield f"- **{name}**{words}: {size / total:.0%}"


def _weak_spots(facts: CardFacts) -> Iterator[str]:
    if not facts.slices:
        return
    yield "## Where it is weaker\n"
    yield (
        "The parts of the customers that it ranks worst, and any whose predicted share is not what was observed "
        "(**off**):\n"
    )
    yield slices_markdown(weakest(facts.slices, WEAKEST))


def _fairness(facts: CardFacts) -> Iterator[str]:
    yield "## Fairness\n"
    if not facts.fairness:
        yield "No column is marked as protected, so nothing is said about groups of people."
        return
    yield (
        "How the protected groups fare at the threshold. *At equal value* is the share that would get an offer if the "
        "group were worth what all customers are.\n"
    )
    yield fairness_markdown(facts.fairness).strip()
    if facts.contract.fairness is None:
        yield "\nThe contract names no tolerance (`fairness:`), so no gap keeps a version from production."
    else:
        yield f"\nA version with a gap in leavers found beyond {facts.contract.fairness.max_recall_gap:g} is refused."


def _segments(facts: CardFacts) -> Iterator[str]:
    if facts.segments:
        yield "## Groups of customers\n"
        yield facts.segments.strip()


def _survival(facts: CardFacts) -> Iterator[str]:
    if facts.survival:
        yield "## How long customers stay\n"
        yield facts.survival.strip()


def _making(facts: CardFacts) -> Iterator[str]:
    yield "## How it was made\n"
    yield f"- A {facts.kind}. {facts.why}"
    yield from (f"- {sentence}" for sentence in facts.made)
    yield f"- Terms of the data: {facts.contract.licence or 'not stated in the contract'}."


def _limits(facts: CardFacts) -> Iterator[str]:
    yield "## Limits\n"
    yield (
        "- It has learned from the past of this customer table. Prices, offers and competitors change; the drift "
        "report shows when the customers no longer look like those it learned from."
    )
    yield "- Customers unlike any in the table (see the bounds in the contract) are scored, and less surely."
    if facts.contract.validation.time is None:
        yield "- The table is one moment: how well the model holds over time was not tested."


def _percent(found: Estimate) -> str:
    return f"{found.value:.0%} ({found.low:.0%} – {found.high:.0%})"
