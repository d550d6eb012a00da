"""Rules that call a version off: each looks at the diary and says why, or nothing.

A share has to be beyond its bound *and* worse than before, each for sure: an outage that was there before the version
is not laid at its door. The chance of a false alarm is divided by all looks and all rules, so that it holds for the
whole watch, however often is looked (Bonferroni).
"""

from collections.abc import Callable, Iterator
from itertools import pairwise

from pipelines.watching.counts import Counts
from pipelines.watching.diary import Diary, Look
from pipelines.watching.evidence import TAIL, is_beyond, is_worse, slow_bound, slow_of
from pipelines.watching.parameters import WatchParameters

IDLE_IN_HAND = 2
"""Requests that a door may have in hand though nobody waits: the question for its metrics is one."""

Rule = Callable[[Diary, WatchParameters], str]
"""Returns why the version is to be called off; "" when nothing speaks against it."""


def objections(diary: Diary, parameters: WatchParameters) -> tuple[str, ...]:
    """Return everything that speaks against the version by now."""
    return tuple(filter(None, (rule(diary, parameters) for rule in RULES))) if diary.looks else ()


def failed(diary: Diary, parameters: WatchParameters) -> str:
    """The version can't score its customers."""
    now, before = diary.now, diary.before
    shares = (now.failures, now.predictions + now.failures), (before.failures, before.predictions + before.failures)
    return _beyond("of its customers could not be scored", shares, parameters.max_failed_share, parameters)


def broken(diary: Diary, parameters: WatchParameters) -> str:
    """The doors fail since the version was let in."""
    now, before = diary.now, diary.before
    shares = (now.broken, now.requests), (before.broken, before.requests)
    return _beyond(
        "of the doors' answers were failures (500 and more)", shares, parameters.max_broken_share, parameters
    )


def refused(diary: Diary, parameters: WatchParameters) -> str:
    """The version's contract refuses customers that the one before took."""
    now, before = diary.now, diary.before
    shares = (now.refused, now.requests), (before.refused, before.requests)
    return _beyond("of the customers were refused (422)", shares, parameters.max_refused_share, parameters)


def slow(diary: Diary, parameters: WatchParameters) -> str:
    """The slowest tenth is much slower than before: of the version's scoring, or, where that is unknown, of answers."""
    for what, found in (("scoring", _slow_scoring), ("answering", _slow_answering)):
        if not found(diary.now):
            continue
        bound = slow_bound(found(diary.before), ratio=parameters.max_slow_ratio, floor=parameters.slow_seconds)
        if bound is not None:
            return _slow(diary, parameters, what=what, bound=bound, of=found)
    return ""


def not_taken(diary: Diary, parameters: WatchParameters) -> str:
    """No door serves the version, or one has refused its bundle."""
    newest = diary.looks[-1]
    if newest.at < parameters.taken_seconds or not newest.answering:
        return ""
    if not any(look.serving for look in diary.looks):
        return f"no door served it within {parameters.taken_seconds:g} s"
    refusing = (newest.answering - newest.serving) & newest.refusing
    return f"{_listed(refusing)} refused its bundle" if refusing else ""


def silent(diary: Diary, parameters: WatchParameters) -> str:
    """Every door that served it has gone silent."""
    if not any(look.serving for look in diary.looks) or diary.looks[-1].answering:
        return ""
    last = max((look.at for look in diary.looks if look.answering), default=0.0)
    lasted = diary.looks[-1].at - last
    return (
        f"no door has answered for {lasted:.0f} s, since they served it" if lasted >= parameters.silent_seconds else ""
    )


def stalled(diary: Diary, parameters: WatchParameters) -> str:
    """Requests wait, and none is answered."""
    newest = diary.looks[-1]
    recent = [look for look in diary.looks if look.at >= newest.at - parameters.stalled_seconds]
    lasted = newest.at - recent[0].at
    if lasted < 0.8 * parameters.stalled_seconds or not newest.serving:
        return ""
    moved = newest.counts.requests > recent[0].counts.requests
    waits = all(look.in_hand > IDLE_IN_HAND * max(1, len(look.answering)) for look in recent)
    return f"requests wait, and none was answered for {lasted:.0f} s" if waits and not moved else ""


RULES: tuple[Rule, ...] = (failed, broken, refused, slow, not_taken, silent, stalled)


def chance_of(parameters: WatchParameters) -> float:
    """Return the chance of a false alarm that one rule has at one look."""
    return parameters.false_alarms / (parameters.looks * len(RULES))


def _beyond(
    what: str, shares: tuple[tuple[float, float], tuple[float, float]], bound: float, parameters: WatchParameters
) -> str:
    (bad, asked), before = shares
    chance = chance_of(parameters)
    if not is_beyond(bad, asked, bound, chance=chance) or not is_worse(bad, asked, before=before, chance=chance):
        return ""
    said = f"; {_share(*before)} before" if before[1] else ""
    return f"{_share(bad, asked)} {what}, more than {bound:.1%}{said}"


def _slow(
    diary: Diary, parameters: WatchParameters, *, what: str, bound: float, of: Callable[[Counts], dict[float, float]]
) -> str:
    late, asked = slow_of(of(diary.now), bound)
    if not is_beyond(late, asked, TAIL, chance=chance_of(parameters)):
        return ""
    parts = [part > TAIL * of_part for part, of_part in _parts(diary.looks, bound, of) if of_part]
    if sum(parts) < max(parameters.slow_looks, len(parts) / 2):
        return ""
    return (
        f"{what} took more than {1e3 * bound:g} ms for {_share(late, asked)}: the slowest tenth is more than "
        f"{parameters.max_slow_ratio:g} times as slow as before"
    )


def _parts(
    looks: list[Look], bound: float, of: Callable[[Counts], dict[float, float]]
) -> Iterator[tuple[float, float]]:
    """Yield what came between two looks: how many took longer than the bound, of how many."""
    counts = [Counts(), *(look.counts for look in looks)]
    for one, other in pairwise(slow_of(of(each), bound) for each in counts):
        yield other[0] - one[0], other[1] - one[1]


def _slow_scoring(counts: Counts) -> dict[float, float]:
    return dict(counts.scoring)


def _slow_answering(counts: Counts) -> dict[float, float]:
    return dict(counts.answering)


def _share(bad: float, asked: float) -> str:
    return f"{bad:,.0f} of {asked:,.0f}"


def _listed(names: frozenset[str]) -> str:
    return " and ".join(sorted(names))
