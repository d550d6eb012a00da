"""Shell lines of pipelines, held against the commands that exist."""

import importlib
import re
import shlex
from pathlib import Path
from typing import Any

import typer

from cli.main import COMMANDS

ROOT = Path(__file__).parent.parent.parent
CHURN = ".venv/bin/churn"
SUBSTITUTED = re.compile(r"\$\(cat [\w/.]+\)|\$\{\w+:-[^{}]*\}|\$\{\w+:\+--\w+\}|\$\w+")


def fault_of(line: str) -> str:
    """Say what is wrong with a shell line; nothing when each of its words is a word of ours."""
    words = shlex.split(_filled(line))
    if words[:1] == ["make"]:
        return "" if words[1] in _targets() else f"make has no target {words[1]}"
    if words[:1] == [CHURN]:
        return _fault_of_command([word for word in words[1:] if word != ">"])
    return "" if line in ("bash .ci/run", "mkdir -p reports") else f"{words[0]} is no command of the project"


def unquoted(line: str) -> list[str]:
    """Return the variables of a line that the shell would split into words."""
    outside = re.sub(r'"[^"]*"', "", line)
    return [each for each in re.findall(r"\$\{?\w+[^ ]*", outside) if not re.match(r"\$\{\w+:\+--[a-z-]+\}", each)]


def _filled(line: str) -> str:
    while SUBSTITUTED.search(line):
        line = SUBSTITUTED.sub("filled", line)
    return line


def _fault_of_command(words: list[str]) -> str:
    name, given = words[0], words[1:]
    if name not in COMMANDS:
        return f"churn has no command {name}"
    command: Any = typer.main.get_command(importlib.import_module(COMMANDS[name][0]).app)
    if sub := getattr(command, "commands", None):
        if given[0] not in sub:
            return f"churn {name} has no command {given[0]}"
        command, given = sub[given[0]], given[1:]
    known = {option for parameter in command.params for option in parameter.opts}
    wrong = [word for word in given if word.startswith("--") and word not in known]
    return f"churn {name} knows no {', '.join(wrong)}" if wrong else ""


def _targets() -> set[str]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))
