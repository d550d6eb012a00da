"""Together: rows that arrive in the same moment go through the graphs in one run.

A run of ONNX Runtime has a price of its own, that of about twenty further rows. Nobody waits for company: what is
there when the event loop comes round is scored, be it one row or fifty.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from churn.contract.request import Row
from churn.errors import BundleError
from churn.scoring.explanation import Explanation
from churn.scoring.scorer import Scorer

Found = tuple[float, Explanation | None]
"""Probability of leaving; and the reasons, when they are asked for and the version gives any."""


class _Asked(NamedTuple):
    scorer: Scorer
    row: Row
    wants_reasons: bool
    answer: asyncio.Future[Found]
    note_seconds: Callable[[float], None] | None


class Together:
    """Scores and explains single rows in company. For one event loop, and not from other threads."""

    def __init__(self) -> None:
        self._waiting: list[_Asked] = []

    async def ask(
        self, scorer: Scorer, row: Row, *, wants_reasons: bool, note_seconds: Callable[[float], None] | None = None
    ) -> Found:
        """Return what one version finds for a graph-ready row.

        Args:
            scorer: the version.
            row: graph-ready.
            wants_reasons: and not the probability alone.
            note_seconds: is told how long the run took that the row was in.

        Raises:
            BundleError: what came out is no probability.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Found] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._answer_all)
        wants_reasons = wants_reasons and scorer.explainer is not None
        self._waiting.append(_Asked(scorer, row, wants_reasons, answer, note_seconds))
        return await answer

    def _answer_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        while waiting:  # once, but for the moment of a promotion
            scorer = waiting[0].scorer
            _answer([each for each in waiting if each.scorer is scorer])
            waiting = [each for each in waiting if each.scorer is not scorer]


def _answer(asked: Sequence[_Asked]) -> None:
    began = time.perf_counter()
    try:
        found = _find(asked)
    except Exception as error:  # noqa: BLE001  whatever it is, it belongs to the request that caused it
        _part(asked, error)
        return
    seconds = time.perf_counter() - began
    for each, one in zip(asked, found, strict=True):
        if each.note_seconds is not None:
            each.note_seconds(seconds)
        if not each.answer.done():
            _settle(each, one)


def _settle(asked: _Asked, found: Found) -> None:
    if 0.0 <= found[0] <= 1.0:
        asked.answer.set_result(found)
    else:
        asked.answer.set_exception(
            BundleError(f"version {asked.scorer.version} gave a probability that is none: {found[0]}")
        )


def _part(asked: Sequence[_Asked], error: Exception) -> None:
    """Let a row that fails fail alone."""
    if len(asked) == 1:
        if not asked[0].answer.done():
            asked[0].answer.set_exception(error)
        return
    for each in asked:
        _answer([each])


def _find(asked: Sequence[_Asked]) -> list[Found]:
    scorer = asked[0].scorer
    probabilities = scorer.score_rows([each.row for each in asked])
    curious = [each.row for each in asked if each.wants_reasons]
    reasons = iter(scorer.explain_rows(curious) if curious else ())
    return [
        (probability, next(reasons) if each.wants_reasons else None)
        for each, probability in zip(asked, probabilities, strict=True)
    ]
