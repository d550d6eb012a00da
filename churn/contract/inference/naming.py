"""What a column's name tells: an id, a row number, a protected trait, monthly revenue."""

import re

from churn.contract.inference.profile import MOST, Profile, words_of

OWNED_ID = re.compile(
    r"(customer|client|kunden?|user|member|account|subscriber|cust|acct|contract|policy)"
    r"(id|no|nr|num|number|nummer|key|code)"
)
ID_WORDS = frozenset({"id", "uuid", "guid", "nr", "nummer", "number", "key", "no", "ref"})
ROW_WORDS = frozenset({"row", "index", "unnamed", "zeile", "line", "lfd"})
PROTECTED_WORDS = frozenset(
    {"gender", "sex", "geschlecht", "senior", "race", "ethnicity", "religion", "nationality", "marital", "disability"}
)
AGE_WORDS = frozenset({"age", "alter", "customer", "years", "in", "group", "band"})
TOTAL_WORDS = frozenset({"total", "sum", "gesamt", "lifetime", "refunds", "extra", "long", "distance"})
MONTH_WORDS = frozenset({"monthly", "month", "arpu", "mrr", "monatlich", "monat"})
MONEY_WORDS = frozenset(
    {"charge", "charges", "fee", "fees", "price", "revenue", "bill", "arpu", "mrr", "subscription", "spend"}
    | {"betrag", "preis", "umsatz", "beitrag", "gebühr", "grundgebühr", "rechnung"}
)


def id_score(column: Profile) -> int:
    """Return how much a column looks like the customer's id: 0 not at all, 3 by name and values."""
    if column.kind not in ("integer", "text", "category", "phone") or _is_repeated(column) or _is_row_number(column):
        return 0
    words = words_of(column.name)
    if OWNED_ID.fullmatch("".join(words)):
        return 3
    if words and words[-1] in ID_WORDS and column.kind != "phone":
        return 2
    return int(column.kind == "text" and len(column.present) == len(column.codes) and not _has_blanks(column))


def numbers_the_rows(column: Profile) -> bool:
    """Return whether the column only counts the rows."""
    if column.kind != "integer" or len(column.present) != len(column.codes):
        return False
    numbers = column.numbers
    return _is_row_number(column) or bool((numbers[1:] - numbers[:-1] == 1).all())


def is_protected(name: str) -> bool:
    """Return whether the name is that of a trait for fairness reports."""
    words = set(words_of(name))
    return bool(words & PROTECTED_WORDS) or bool(words & {"age", "alter"} and words <= AGE_WORDS)


def revenue_score(name: str) -> int:
    """Return how much a name looks like revenue per month: 0 not at all, 2 by month and money."""
    words = set(words_of(name))
    if words & TOTAL_WORDS or not words & MONEY_WORDS:
        return 0
    return 2 if words & MONTH_WORDS else 1


def _is_repeated(column: Profile) -> bool:
    return len(column.present) < MOST * len(column.codes)


def _is_row_number(column: Profile) -> bool:
    return bool(ROW_WORDS & set(words_of(column.name)))


def _has_blanks(column: Profile) -> bool:
    return any(" " in text for text in column.present)
