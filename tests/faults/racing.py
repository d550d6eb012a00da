"""Races for production: some processes move the alias at the same moment, and exactly one of them does."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

from churn.settings import environment_for_children
from churn.stores.agreement import strays
from churn.stores.promotions import Move, Promotion, PromotionLog
from churn.stores.registry import ModelRegistry, RegisteredBundle
from tests.faults.doors import ROOT
from tests.faults.racer import ANSWERS, ERRANDS, Errand

MOST_RACERS = 8
READY_SECONDS = 0.3
"""So long eight children take until they are forked and have read their settings."""

MOVES = {"promote", "rollback"}


@dataclass(frozen=True, slots=True)
class Round:
    """One race.

    Attributes:
        wanted: version that each racer promotes; None: it rolls back.
        answers: what each was told.
        alias: version in production afterwards.
        done: moves of production that the log has as done since the race began.
        agree: log, alias and legacy stage name the same version, and nothing is unfinished.
    """

    wanted: tuple[int | None, ...]
    answers: tuple[str, ...]
    alias: int
    done: tuple[Promotion, ...]
    agree: bool

    @property
    def winners(self) -> int:
        """How many were told that they won."""
        return sum(answer.startswith("won") for answer in self.answers)

    @property
    def is_well(self) -> bool:
        """One winner by its own word, by the log and by the alias; all others were told of a conflict."""
        others = {answer for answer in self.answers if answer != f"won {self.alias}"}
        is_one = self.winners == 1 == len(self.done) and self.done[0].to_version == self.alias
        return is_one and others <= {"conflict"} and self.agree


@dataclass(frozen=True, slots=True)
class Course:
    """Four versions of one model: one is in production before each race, one was before it, two want to be.

    Attributes:
        versions: before, base, and the two targets.
    """

    registry: ModelRegistry
    log: PromotionLog
    versions: tuple[RegisteredBundle, RegisteredBundle, RegisteredBundle, RegisteredBundle]

    def race(self, racers: "Racers", chance: Random) -> Round:
        """Let two to eight processes start at once, each with a move that chance picks."""
        self._line_up()
        base, *targets = self.versions[1:]
        last, running = self._last(), chance.randint(2, MOST_RACERS)
        wanted = tuple(chance.choice((None, *(one.version for one in targets))) for _ in range(running))
        return self._round(wanted, racers.start(wanted, base.version), last)

    def _line_up(self) -> None:
        before, base = self.versions[:2]
        self.registry.move_production(base)
        move = Move(base.name, "promote", from_version=before.version, to_version=base.version, actor="the course")
        self.log.note(move, reason="the next race")

    def _round(self, wanted: tuple[int | None, ...], answers: tuple[str, ...], last: int) -> Round:
        model = self.versions[0].name
        alias = self.registry.aliases(model)["production"]
        rows = [one for one in self.log.history(model, 100) if one.id > last and one.action in MOVES]
        agree = (
            strays(self.registry, self.log, model) == []
            and self.log.unfinished(model) == []
            and self.registry.staged(model) == [alias]
        )
        return Round(wanted, answers, alias, tuple(one for one in rows if one.status == "done"), agree)

    def _last(self) -> int:
        return self.log.history(self.versions[0].name, 1)[0].id


@dataclass(frozen=True, slots=True)
class Racers:
    """The process whose children race."""

    process: "subprocess.Popen[str]"

    def start(self, wanted: tuple[int | None, ...], expected: int) -> tuple[str, ...]:
        """Let one child for each wish begin at the same moment, and return what each was told."""
        assert self.process.stdin is not None
        at = time.time() + READY_SECONDS
        errands = tuple(Errand(at=at, version=version, expected=expected) for version in wanted)
        self.process.stdin.write(f"{ERRANDS.dump_json(errands).decode()}\n")
        self.process.stdin.flush()
        return self.hear()

    def hear(self) -> tuple[str, ...]:
        """Read what it says."""
        assert self.process.stdout is not None
        return ANSWERS.validate_json(self.process.stdout.readline())


@contextmanager
def line_up(environment: Mapping[str, str]) -> Iterator[Racers]:
    """Start the process, and end it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.racer"], cwd=ROOT, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, env=environment_for_children(**environment),
    )  # fmt: skip
    with process:
        racers = Racers(process)
        assert racers.hear() == ("ready",)
        yield racers
        assert process.stdin is not None
        process.stdin.close()
