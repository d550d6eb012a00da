"""Texts: which stand for no value, which for true and false, and which can be a category or an id."""

import re

MISSING_MARKS = ("", "?", "-", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "none", "#N/A")
"""Texts that stand for "no value" unless a contract says otherwise; compared after stripping blanks."""

TRUE_TEXTS = frozenset({"1", "true", "yes", "y", "t", "on", "1.0"})
FALSE_TEXTS = frozenset({"0", "false", "no", "n", "f", "off", "0.0"})
"""Spellings of a boolean, in any case: those that pydantic reads from JSON, and how files widen 0 and 1."""

MAX_TEXT = 255
"""Characters of a category or a customer id: what the SQL store's columns hold."""

CONTROLS = r"\x00-\x1f\x7f"
"""Characters that no category and no customer id holds."""

CONTROL = re.compile(f"[{CONTROLS}]")


def is_readable(text: str) -> bool:
    """True when a cell of this text can be a category: neither empty, nor too long, nor with control characters."""
    return 0 < len(text) <= MAX_TEXT and (text.isprintable() or not any(map(_is_control, text)))


def _is_control(letter: str) -> bool:
    # A lone surrogate can't be written as UTF-8: neither the graph nor a database takes it.
    return CONTROL.fullmatch(letter) is not None or "\ud800" <= letter <= "\udfff"
