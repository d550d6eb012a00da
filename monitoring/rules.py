"""Rules of Prometheus: read from their files, and made quicker for tests and demonstrations."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "prometheus" / "rules"

Rule = dict[str, Any]
"""One alert or recording rule, as it is in its file."""

SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
DURATION = re.compile(r"([0-9]+)(ms|s|m|h|d|w)")
WINDOW = re.compile(r"\[([0-9a-z]+)\]")
OFFSET = re.compile(r"\boffset ([0-9a-z]+)")
AGE = re.compile(r"([0-9.]+) \* 3600\b")


def read_rules(folder: Path = FOLDER) -> dict[str, list[Rule]]:
    """Return the groups of each file, by the file's name."""
    return {path.name: yaml.safe_load(path.read_text("utf-8"))["groups"] for path in sorted(folder.glob("*.yml"))}


def every_rule(files: Mapping[str, list[Rule]]) -> Iterator[tuple[str, Rule]]:
    """Yield each rule with the name of its file."""
    for name, groups in files.items():
        for group in groups:
            yield from ((name, rule) for rule in group["rules"])


def alerts(files: Mapping[str, list[Rule]]) -> dict[str, Rule]:
    """Return the alerts by name, in the order of the files."""
    return {rule["alert"]: rule for _, rule in every_rule(files) if "alert" in rule}


def quickened(rule: Rule, factor: float, *, shortest_seconds: float = 5.0) -> Rule:
    """Return a rule for a world in which time runs `factor` times faster: windows, offsets, ages and patience shrink.

    Args:
        rule: is left as it is.
        factor: 60 makes a minute of an hour.
        shortest_seconds: no window becomes shorter: a rate needs two scrapes.
    """
    shrunk = _shrink(rule["expr"], factor, shortest_seconds)
    patience = {"for": _text(max(seconds(rule["for"]) / factor, 1.0))} if "for" in rule else {}
    return {**rule, "expr": shrunk, **patience}


def quickened_groups(groups: list[Rule], factor: float, *, every: str) -> list[Rule]:
    """Return a file's groups with quickened rules.

    Args:
        groups: as `read_rules` gives them.
        factor: see `quickened`.
        every: how often they are evaluated, such as 1s.
    """
    return [
        {**group, "interval": every, "rules": [quickened(rule, factor) for rule in group["rules"]]} for group in groups
    ]


def seconds(duration: str) -> float:
    """Return the seconds of one of Prometheus' durations, such as 1h30m."""
    return sum(int(count) * SECONDS[unit] for count, unit in DURATION.findall(duration))


def _shrink(expression: str, factor: float, shortest: float) -> str:
    windows = WINDOW.sub(lambda found: f"[{_text(max(seconds(found[1]) / factor, shortest))}]", expression)
    offsets = OFFSET.sub(lambda found: f"offset {_text(seconds(found[1]) / factor)}", windows)
    return AGE.sub(lambda found: f"{float(found[1]) * 3600 / factor:g}", offsets)


def _text(length: float) -> str:
    return f"{max(round(length * 1000), 1)}ms"
