"""What an acceptance found, one case after the other; also as the JUnit XML that build servers show."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that was tried.

    Attributes:
        name: as a sentence.
        problem: what was wrong, empty when nothing was.
        seconds: that it took.
    """

    name: str
    problem: str = ""
    seconds: float = 0.0

    @property
    def has_passed(self) -> bool:
        """Nothing was wrong."""
        return not self.problem


def write_junit(path: Path, suite: str, cases: Sequence[Case]) -> None:
    """Write the cases of one acceptance as JUnit XML; the folder is made when it is not there."""
    failures = sum(not case.has_passed for case in cases)
    root = ElementTree.Element("testsuite", name=suite, tests=str(len(cases)), failures=str(failures))
    root.set("time", f"{sum(case.seconds for case in cases):.3f}")
    for case in cases:
        _add(root, suite, case)
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _add(root: ElementTree.Element, suite: str, case: Case) -> None:
    made = ElementTree.SubElement(root, "testcase", classname=suite, name=case.name, time=f"{case.seconds:.3f}")
    if case.problem:
        ElementTree.SubElement(made, "failure", message=_printable(case.problem)).text = _printable(case.problem)


def _printable(text: str) -> str:
    """XML has no control characters, and an answer may hold any."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
