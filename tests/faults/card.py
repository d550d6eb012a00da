"""The table in docs/reliability.md, of what fault runs counted: `python -m tests.faults.card var/faults`."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.results import replace_section

DOCS = Path(__file__).parent.parent.parent / "docs"
KEPT = DOCS / "reliability.json"
PAGE = DOCS / "reliability.md"
SECTION = "measured"
COUNTS = ("faults", "requests", "failed", "answers_5xx", "acknowledged", "lost", "twice")
ABOUT = ("plan", "fault", "length", "at", *COUNTS)

Line = Mapping[str, float | str]


def main(folder: Path) -> None:
    """Take in what a run left in a folder, and write the table again."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    kept = merged(json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else [], found)
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(replace_section(PAGE.read_text(encoding="utf-8"), SECTION, table(kept)), encoding="utf-8")
    print(table(found))  # noqa: T201  that is what somebody ran it for


def merged(kept: Sequence[Line], found: Sequence[Line]) -> list[Line]:
    """Replace what was measured again; a long run's line is not replaced by a short one's."""
    lines = {_name(line): line for line in kept}
    for line in found:
        old = lines.get(_name(line))
        if old is None or line["length"] == "long" or old["length"] == "short":
            lines[_name(line)] = line
    return sorted(lines.values(), key=_order)


def table(lines: Sequence[Line]) -> str:
    """Render the lines, their sums, and what so many requests without a failure are worth."""
    head = ["plan", "what was done", *(name.replace("answers_5xx", "≥ 500") for name in COUNTS), "other", "run"]
    rows = [
        [*_name(line), *(_count(line, name) for name in COUNTS), _rest(line), _run(line)] for line in grouped(lines)
    ]
    sums = ["", "all together", *(f"{sum(_number(line, name) for line in lines):,.0f}" for name in COUNTS), "", ""]
    written = [head, ["---"] * len(head), *rows, sums]
    return "\n".join(f"| {' | '.join(row)} |" for row in written) + f"\n\n{bound(lines)}"


def grouped(lines: Sequence[Line]) -> list[Line]:
    """Make one line of those whose names agree up to a colon: counts add up, of the rest the largest is shown."""
    found: dict[tuple[str, str], dict[str, float | str]] = {}
    for line in lines:
        plan, fault = _name(line)[0], _name(line)[1].partition(":")[0]
        known = found.setdefault((plan, fault), {**line, "fault": fault, **dict.fromkeys(set(COUNTS) & line.keys(), 0)})
        for name, value in line.items():
            if name in COUNTS:
                known[name] = float(known.get(name, 0)) + float(value)
            elif not isinstance(value, str):
                known[name] = max(float(known.get(name, value)), value)
    return list(found.values())


def bound(lines: Sequence[Line]) -> str:
    """Say what no failure among so many means: the rule of three."""
    predictions = [line for line in lines if "failed" in line]
    sent, failed = (sum(_number(line, name) for line in predictions) for name in ("requests", "failed"))
    stored, lost = (sum(_number(line, name) for line in lines) for name in ("acknowledged", "lost"))
    if failed or lost or not sent or not stored:
        return f"Failed: {failed:,.0f} of {sent:,.0f} predictions; lost: {lost:,.0f} of {stored:,.0f} acknowledged."
    return (
        f"0 of {sent:,.0f} predictions failed while faults were injected, and 0 of {stored:,.0f} acknowledged ones "
        f"were lost: with 95 % confidence fewer than {_per(sent)} fail and fewer than {_per(stored)} are lost under "
        f"these faults (rule of three)."
    )


def _per(count: float) -> str:
    return f"1 in {int(count / 3):,}"


def _name(line: Line) -> tuple[str, str]:
    return str(line["plan"]), str(line["fault"])


def _order(line: Line) -> tuple[int, str, str]:
    plan = str(line["plan"])
    return int("".join(filter(str.isdigit, plan))), plan, str(line["fault"])


def _number(line: Line, name: str) -> float:
    return float(line.get(name, 0))


def _count(line: Line, name: str) -> str:
    return f"{_number(line, name):,.0f}" if name in line else ""


def _rest(line: Line) -> str:
    rest = {name.replace("_", " "): _number(line, name) for name in line if name not in ABOUT}
    return ", ".join(f"{name} {f'{value:,.3f}'.rstrip('0').rstrip('.')}" for name, value in rest.items())


def _run(line: Line) -> str:
    return f"{line['length']}, {line['at']}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
