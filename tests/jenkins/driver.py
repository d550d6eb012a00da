"""Runs our Jenkinsfile on a local clone: every `sh` is executed, what only a Jenkins has is recorded."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from churn.settings import environment_for_children

ROOT = Path(__file__).parent.parent.parent
HARNESS = Path(__file__).parent / "harness"
TIMEOUT_SECONDS = 900

CHURN = """#!/bin/sh
PYTHON={python}
if [ -f "$STANDINS/$1" ]; then . "$STANDINS/$1"; fi
exec "$PYTHON" -m cli.main "$@"
"""
MAKE = """#!/bin/sh
echo "make $*"
if [ -f "$STANDINS/make-$1" ]; then . "$STANDINS/make-$1"; fi
if [ "$1" = test ]; then
    mkdir -p reports && echo '<testsuite><testcase name="one"/></testsuite>' > reports/tests.xml
fi
"""


def java_classes(folder: Path) -> str:
    """Fetch Groovy by Maven, compile the harness, and return the class path."""
    _run("mvn", "-q", "-B", "-ntp", "-f", str(HARNESS.parent / "pom.xml"), "dependency:copy-dependencies",
         f"-DoutputDirectory={folder / 'jars'}")  # fmt: skip
    jars = ":".join(map(str, (folder / "jars").glob("*.jar")))
    sources = map(str, sorted(HARNESS.glob("*.groovy")))
    _run("java", "-cp", jars, "org.codehaus.groovy.tools.FileSystemCompiler", "-d", str(folder / "classes"), *sources)
    return f"{jars}:{folder / 'classes'}"


def described(classes: str, jenkinsfile: Path) -> dict[str, Any]:
    """Return what is in a Jenkinsfile, and what is wrong with it."""
    found: dict[str, Any] = json.loads(_run("java", "-cp", classes, "Main", "validate", str(jenkinsfile)))
    return found


@dataclass(frozen=True, slots=True)
class Ended:
    """A build that has ended."""

    result: str
    events: list[dict[str, Any]]
    log: str
    archive: Path

    @property
    def stages(self) -> list[str]:
        """Those that were entered, in order."""
        return [each["stage"] for each in self.events if each["kind"] == "stage"]

    @property
    def commands(self) -> list[str]:
        """The words after `churn` that were called, in order, with what they ended with when it is not 0."""
        shells = [each for each in self.events if each["kind"] == "sh" and each["script"].startswith(".venv/bin/churn")]
        return [_words(each["script"]) + (f" -> {each['status']}" if each["status"] else "") for each in shells]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the events of a kind."""
        return [each for each in self.events if each["kind"] == kind]


@dataclass
class Jenkins:
    """A clone, a home, and builds in them.

    Attributes:
        environment: of the machine that has the executor.
    """

    folder: Path
    classes: str
    environment: dict[str, str]
    parameters: dict[str, object]
    builds: int = 0
    workspace: Path = field(init=False)

    def __post_init__(self) -> None:
        self.workspace = self.folder / "clone"
        _run("git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}", str(self.workspace))
        _write_program(self.workspace / ".venv" / "bin" / "churn", CHURN.format(python=sys.executable))
        _write_program(self.folder / "bin" / "make", MAKE)

    def build(
        self,
        standins: dict[str, str] | None = None,
        *,
        answer: str = "approve",
        cause: str = "UserIdCause",
        **parameters: object,
    ) -> Ended:
        """Run the pipeline once.

        Args:
            standins: shell text that runs in place of, or before, the command of that name.
            answer: to the input, `approve` or anything else.
            cause: of the build, by Jenkins' name for it.
            **parameters: of the build.
        """
        self.builds += 1
        place = self.folder / f"build-{self.builds}"
        (place / "standins").mkdir(parents=True)
        for name, text in (standins or {}).items():
            (place / "standins" / name).write_text(text)
        scenario = self._scenario(place, answer, cause, parameters)
        (place / "scenario.json").write_text(json.dumps(scenario))
        jenkinsfile = str(self.workspace / "Jenkinsfile")
        words = ("java", "-cp", self.classes, "Main", "run", jenkinsfile, str(place / "scenario.json"))
        found = json.loads(_run(*words))
        assert not found["problems"], found["problems"]
        assert found["agents"] == 0, "an executor is held for ever"
        log = (place / "log").read_text() if (place / "log").exists() else ""
        return Ended(found["result"], found["events"], log, place / "archive")

    def churn(self, *words: str) -> str:
        """Call a command on the machine of the executor."""
        return _run(sys.executable, "-m", "cli.main", *words, cwd=self.workspace, **self.environment)

    def _scenario(self, place: Path, answer: str, cause: str, parameters: dict[str, object]) -> dict[str, object]:
        home = Path(self.environment["CHURN_HOME"])
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"  # noqa: TID251
        return {
            "workspace": str(self.workspace),
            "archive": str(place / "archive"),
            "log": str(place / "log"),
            "parameters": {**self.parameters, **parameters},
            "environment": {**self.environment, "STANDINS": str(place / "standins"), "PATH": path},
            "credentials": {
                "holdfast-tracking-uri": f"sqlite:///{home / 'mlflow.db'}",
                "holdfast-database-url": f"sqlite:///{home / 'churn.db'}",
            },
            "input": answer,
            "approver": "ada",
            "cause": cause,
        }


def has_java() -> bool:
    """Say whether the harness can run here."""
    return bool(shutil.which("java") and shutil.which("mvn"))


def _run(*words: str, cwd: Path = ROOT, **environment: str) -> str:
    """Run a program to its end; one that takes too long is ended with all that it started."""
    process = subprocess.Popen(
        words,
        cwd=cwd,
        env=environment_for_children(**environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        said, complained = process.communicate(timeout=TIMEOUT_SECONDS)
    except BaseException:  # also Ctrl-C: nothing that it started stays
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    assert process.returncode == 0, f"{words}: {said[-3000:]}{complained[-3000:]}"
    return said


def _write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def _words(script: str) -> str:
    return " ".join(word for word in script.split()[1:3] if not word.startswith("-"))
