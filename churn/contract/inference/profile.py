"""The profile of one column of a table: its distinct texts, how often each occurs, and what kind of values they are."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from churn.contract.cells import COMMA_NUMBER, comma_number, text_of
from churn.contract.part import LARGEST_NUMBER
from churn.contract.texts import MISSING_MARKS, is_readable

SOFT_MARKS = frozenset({"None", "none", "unknown", "Unknown", "missing", "Missing"})
"""Missing among numbers; among texts they are a value ("no offer")."""

MORE_MARKS = frozenset(
    {
        "n.a.",
        "N.A.",
        "n/v",
        "k.A.",
        "(null)",
        "(blank)",
        "[null]",
        "--",
        "---",
        ".",
        "\\N",
        "<NA>",
        "NaT",
        "#NULL!",
        "nil",
    }
)
HARD_MARKS = (frozenset(MISSING_MARKS) | MORE_MARKS) - SOFT_MARKS

FEW_VALUES = 12
MANY_VALUES = 100
MOST = 0.95
"""Share of a column's values from which the column counts as of a kind; the others are bad rows."""

Kind = Literal[
    "empty",
    "constant",
    "boolean",
    "integer",
    "number",
    "category",
    "date",
    "e-mail",
    "phone",
    "measure",
    "text",
]

DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([ T].*)?|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})([ T].*)?")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
PHONE = re.compile(r"[-+()\d /.]+")
MEASURE = re.compile(r"[^\w\s]?\s?[-+]?\d[\d.,' ]*\s?([^\w\s]|[A-Z]{3})?")
LEADING_ZERO = re.compile(r"0\d+")
CODE_WORDS = frozenset({"zip", "postal", "postcode", "plz", "code"})


@dataclass(frozen=True)
class Profile:
    """What one column holds.

    Attributes:
        name: of the column.
        texts: its distinct cells as stripped texts, in order of appearance.
        codes: per row the index of its text; int64 of shape (rows,).
    """

    name: str
    texts: tuple[str, ...]
    codes: np.ndarray

    @cached_property
    def counts(self) -> dict[str, int]:
        """How often each text occurs."""
        return dict(zip(self.texts, np.bincount(self.codes, minlength=len(self.texts)).tolist(), strict=True))

    @cached_property
    def marks(self) -> dict[str, int]:
        """The texts that stand for "no value", with their counts."""
        hard = {text: count for text, count in self.counts.items() if text in HARD_MARKS}
        soft = {text: count for text, count in self.counts.items() if text in SOFT_MARKS}
        others = [text for text in self.counts if text not in HARD_MARKS | SOFT_MARKS]
        are_numbers = all(map(is_number, others)) or all(map(COMMA_NUMBER.fullmatch, others))
        return hard | soft if others and are_numbers else hard

    @cached_property
    def present(self) -> dict[str, int]:
        """The texts that are values, with their counts."""
        return {text: count for text, count in self.counts.items() if text not in self.marks}

    @property
    def rows_present(self) -> int:
        """Number of rows with a value."""
        return sum(self.present.values())

    @property
    def rows_missing(self) -> int:
        """Number of rows without a value."""
        return len(self.codes) - self.rows_present

    @cached_property
    def is_missing(self) -> np.ndarray:
        """Which rows have no value; bool of shape (rows,)."""
        return np.isin(self.codes, [code for code, text in enumerate(self.texts) if text in self.marks])

    @cached_property
    def numbers(self) -> np.ndarray:
        """Each row as a number, NaN where it is none; float64 of shape (rows,)."""
        table = [self._number(text) if text in self.present else np.nan for text in self.texts]
        return np.take(table, self.codes)

    @cached_property
    def has_decimal_comma(self) -> bool:
        """True when the numbers are written 1.234,56."""
        is_plain = self._share(is_number) >= MOST
        has_comma = any("," in text for text in self.present)
        return not is_plain and has_comma and self._share(COMMA_NUMBER.fullmatch) >= MOST

    def _number(self, text: str) -> float:
        if self.has_decimal_comma:
            return comma_number(text) if COMMA_NUMBER.fullmatch(text) else np.nan
        return float(text) if is_number(text) else np.nan

    @cached_property
    def kind(self) -> Kind:
        """What the values are."""
        if not self.present:
            return "empty"
        if len(self.present) == 1:
            return "constant"
        if {text.lower() for text in self.present} in ({"0", "1"}, {"true", "false"}, {"0.0", "1.0"}):
            return "boolean"
        if self._share(is_number) >= MOST and not self._is_code:
            return "integer" if self._is_whole else "number"
        return self._kind_of_text()

    def _kind_of_text(self) -> Kind:
        if self._share(DATE.fullmatch) >= MOST:
            return "date"
        if self._share(EMAIL.fullmatch) >= MOST:
            return "e-mail"
        if not self._is_code:
            if self._share(_is_phone) >= MOST and self.is_many:
                return "phone"
            if self.has_decimal_comma:
                return "number"
            if self._share(MEASURE.fullmatch) >= MOST and len(self.present) > FEW_VALUES:
                return "measure"
        return "text" if self.is_many or not all(map(is_readable, self.present)) else "category"

    @property
    def is_many(self) -> bool:
        """True when there are too many distinct values for a category."""
        distinct = len(self.present)
        return distinct > MANY_VALUES or (distinct > FEW_VALUES and distinct > self.rows_present / 2)

    @property
    def _is_code(self) -> bool:
        return bool(CODE_WORDS & set(words_of(self.name))) or any(map(LEADING_ZERO.fullmatch, self.present))

    @property
    def _is_whole(self) -> bool:
        numbers = self.numbers[~np.isnan(self.numbers)]
        return bool((numbers == np.rint(numbers)).all())

    def _share(self, is_one: Callable[[str], object]) -> float:
        return sum(count for text, count in self.present.items() if is_one(text)) / self.rows_present


def profile_of(name: str, cells: Sequence[object]) -> Profile:
    """Profile one column; each distinct cell is read once."""
    texts: dict[str, int] = {}
    of_cell = {cell: texts.setdefault(text_of(cell), len(texts)) for cell in dict.fromkeys(cells)}
    codes = np.fromiter((of_cell[cell] for cell in cells), np.int64, len(cells))
    return Profile(name, tuple(texts), codes)


def is_number(text: str) -> bool:
    """Return whether the table check reads this text as a number."""
    try:
        return abs(float(text)) <= LARGEST_NUMBER and "_" not in text
    except ValueError:
        return False


def words_of(name: str) -> list[str]:
    """Cut a column name into its words in lower case: "customerID", "customer_id", "Customer Id" alike."""
    spaced = re.sub(r"(?<=[a-zäöü0-9])(?=[A-ZÄÖÜ])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return [word.lower() for word in re.split(r"[\W_]+", spaced) if word]


def _is_phone(text: str) -> bool:
    digits = sum(letter.isdigit() for letter in text)
    return 7 <= digits <= 15 and not text.isdigit() and PHONE.fullmatch(text) is not None
