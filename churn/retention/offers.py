"""The offers that fit one customer, ranked by what each is expected to earn, and said in plain words.

An offer of cost d that keeps the share γ of leavers is expected to earn what `churn.retention.profit` says:
p · γ · (V - d) - (1 - p) · d - f, with the customer's probability p and worth V, and the cost f of making contact.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from churn.contract.contract import Contract
from churn.contract.economics import Economics
from churn.contract.offers import Offer
from churn.contract.phrases import phrase_of, value_of
from churn.retention.conditions import Row, tests_of
from churn.retention.worth import Worth, profit_line

MOST_ACTIONS = 3
CENTS = 2
HALF_A_CENT = 0.005
"""What is rounded to nothing does not pay."""

NOBODY = frozenset[str]()
CONTACT = "Contact this customer with an offer to stay"


@dataclass(frozen=True, slots=True)
class Action:
    """One offer to one customer; both amounts in the contract's currency.

    Attributes:
        offer: its name in the contract; "contact" where the contract lists none.
    """

    offer: str
    title: str
    expected_profit: float
    cost: float


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about one customer.

    Attributes:
        actions: at most three that pay, the one that is expected to earn most first.
        recommendations: a sentence for each; when there is none, one that says why.
    """

    actions: tuple[Action, ...]
    recommendations: tuple[str, ...]


class OfferBook:
    """Advises on the customers of one version."""

    def __init__(self, contract: Contract, worth: Worth | None, *, threshold: float) -> None:
        """Prepare the contract's offers.

        Args:
            contract: without offers, its economics make one.
            worth: what customers are worth; None: nothing is known, and no action is valued.
            threshold: probability from which a customer counts as leaving.
        """
        self._worth, self._threshold = worth, threshold
        economics = contract.economics if worth is not None else None
        self._currency = economics.currency if economics else ""
        self._offers = [_Ready(offer, contract, economics) for offer in _offers_of(contract)] if economics else []

    @property
    def names(self) -> tuple[str, ...]:
        """Return the offers that can be recommended."""
        return tuple(one.name for one in self._offers)

    def of_row(self, row: Row, probability: float, raising: frozenset[str] = NOBODY) -> Advice:
        """Advise on one graph-ready row.

        Args:
            row: value per column.
            probability: of leaving.
            raising: columns that raise the customer's risk most; none known: no offer that asks for one fits.
        """
        if self._worth is None:
            return Advice((), (self._without_money(probability),))
        worth = self._worth.of_row(row)
        fitting = [offer for offer in self._offers if offer.fits(row, probability, raising)]
        valued = sorted(((offer.line.at(probability, worth), offer) for offer in fitting), key=_by_profit)
        best = [(profit, offer) for profit, offer in valued[:MOST_ACTIONS] if profit > HALF_A_CENT]
        if not best:
            return Advice((), (self._why_none(valued),))
        actions = tuple(Action(one.name, one.title, round(profit, CENTS), one.cost) for profit, one in best)
        return Advice(actions, tuple(self._sentence(profit, one, row, raising) for profit, one in best))

    def _sentence(self, profit: float, offer: "_Ready", row: Row, raising: frozenset[str]) -> str:
        return f"{offer.call}: {offer.because(row, raising)}expected to earn {self._money(profit)}"

    def _why_none(self, valued: list[tuple[float, "_Ready"]]) -> str:
        if not valued:
            return "No action pays: no offer fits this customer"
        profit, offer = valued[0]
        return f"No action pays: the best that fits, {offer.title}, would be expected to lose {self._money(-profit)}"

    def _without_money(self, probability: float) -> str:
        if probability >= self._threshold:
            return f"{CONTACT}: the risk is high; what that earns is not known without economics"
        return "No action is needed: the risk is low"

    def _money(self, amount: float) -> str:
        return f"{max(amount, 0):,.{0 if amount >= 10 else CENTS}f} {self._currency}"


def _by_profit(valued: tuple[float, "_Ready"]) -> float:
    return -valued[0]


def _offers_of(contract: Contract) -> Iterator[Offer]:
    yield from contract.offers
    if contract.economics and not contract.offers:
        yield Offer(name="contact", title="An offer to stay", words=CONTACT, cost=contract.economics.offer_cost)


class _Ready:
    """One offer with its conditions and its line of profit, computed once."""

    def __init__(self, offer: Offer, contract: Contract, economics: Economics) -> None:
        self.name, self.title, self.call, self.cost = offer.name, offer.title, offer.call, offer.cost
        own = economics.model_copy(update={"offer_cost": offer.cost})
        self.line = profit_line(own, offer.success_in(economics))
        self._least = offer.least_probability
        wanted = [(test, True) for test in tests_of(offer.when, contract.columns)]
        self._tests = (*wanted, *((test, False) for test in tests_of(offer.unless, contract.columns)))
        told = sorted(offer.when, key=lambda condition: condition.reason is None)  # reasons first: they say most
        kinds = {condition.names: contract.columns[condition.names] for condition in told}
        self._phrases = [(name, column.type, phrase_of(name, column)) for name, column in kinds.items()]

    def fits(self, row: Row, probability: float, raising: frozenset[str]) -> bool:
        """Say whether the offer may be made."""
        if probability < self._least:
            return False
        for test, wanted in self._tests:  # noqa: SIM110  a generator costs as much again
            if test(row, raising) is not wanted:
                return False
        return True

    def because(self, row: Row, raising: frozenset[str]) -> str:
        """Say what about this customer the offer is for: rather what raises the risk; an empty text: it is for all."""
        if not self._phrases:
            return ""
        for name, kind, phrase in self._phrases:
            if name in raising:
                return f"{phrase(value_of(row[name], kind))}, which raises the risk; "
        name, kind, phrase = self._phrases[0]
        return f"{phrase(value_of(row[name], kind))}; "
