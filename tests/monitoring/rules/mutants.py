"""Broken copies of a rule, each with a name of its own, so that one run of promtool tries them all."""

import re
from collections.abc import Iterator
from typing import Any

NUMBER = re.compile(r"(?<![\w.\[\"~=])(\d+(?:\.\d+)?)(?![\w.\]\"])")
STRING = re.compile(r'"[^"]*"')
MATCHER = re.compile(r'(=~|!~|!=|=)"([^"]*)"')
FLIPS = {">": "<", "<": ">", "==": "!=", "!=": "==", "and": "or", "or": "and", "unless": "and", "+": "-", "/": "*"}
OPERATOR = re.compile(r"(?<=\s)(>|<|==|!=|and|or|unless|\+|/)(?=\s)")

Rule = dict[str, Any]


def mutants(rule: Rule) -> Iterator[tuple[str, Rule]]:
    """Yield what was broken, and the broken rule."""
    for words, expression in _expressions(rule["expr"]):
        yield words, {**rule, "expr": expression}
    if "for" in rule:
        yield "no patience", {name: value for name, value in rule.items() if name != "for"}
        yield "patience x2", {**rule, "for": _twice(rule["for"])}


def _expressions(expression: str) -> Iterator[tuple[str, str]]:
    yield "never fires", "vector(0) > 1"
    if expression != "vector(1)":  # it is the watchdog's
        yield "always fires", "vector(1)"
        yield from _changed(expression, OPERATOR, lambda found: [FLIPS[found[1]]])
        yield from _changed(expression, NUMBER, lambda found: _other_numbers(found[1]))
    yield from _changed(expression, MATCHER, lambda found: [f'{found[1]}"{each}"' for each in _other_values(found[2])])


def _changed(expression: str, pattern: re.Pattern[str], others: Any) -> Iterator[tuple[str, str]]:
    hidden = [found.span() for found in STRING.finditer(expression)] if pattern is not MATCHER else []
    for found in pattern.finditer(expression):
        if any(start <= found.start() < end for start, end in hidden):
            continue
        for other in others(found):
            start, end = found.span()
            yield f"{found[0]} at {start} → {other}", expression[:start] + other + expression[end:]


def _other_numbers(text: str) -> list[str]:
    number = float(text)
    return [f"{number * 1.5:.6g}", f"{number / 1.5:.6g}"] if number else ["1", "-1"]


def _other_values(text: str) -> list[str]:
    """Nothing that exists, and a list without each of its parts."""
    parts = text.split("|")
    return ["nothing", *("|".join(parts[:place] + parts[place + 1 :]) for place in range(len(parts)) if len(parts) > 1)]


def _twice(duration: str) -> str:
    return re.sub(r"\d+", lambda found: str(2 * int(found[0])), duration)
