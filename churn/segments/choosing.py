"""How many segments: the number whose groups come again and lie apart, else four.

Methods: groups come again when two resamples of the customers give the same ones (Fang and Wang, "Selection of the
number of clusters via the bootstrap method", 2012; 0.85 as in Hennig, "Cluster-wise assessment of cluster stability",
2007). They lie apart when their silhouette (Rousseeuw, 1987) is clearly above that of one Gaussian cloud with the same
covariance, cut into as many pieces (the null hypothesis of Liu et al., "Statistical significance of clustering", 2008),
and at least 0.5, "a reasonable structure" (Kaufman and Rousseeuw, "Finding groups in data", 1990): categories alone
make small gaps.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from threadpoolctl import ThreadpoolController

from churn.segments.profile import Choice, Trial

COUNTS = range(2, 9)
DEFAULT_COUNT = 4
PAIRS = 8
"""Pairs of resamples per number of segments."""

TRIED_ROWS = 2000
STABLE = 0.85
APART = 0.5
OVER_ONE_CLOUD = 0.1
"""By how much the silhouette has to exceed that of one cloud; evenly spread points exceed it by 0.05 to 0.09."""

SMALLEST_SHARE = 0.03


def choose_count(points: np.ndarray, *, seed: int) -> Choice:
    """Choose between 2 and 8 segments.

    Args:
        points: coordinates of shape (rows, coordinates); 2000 rows at random are looked at.
        seed: of every draw.
    """
    rng = np.random.default_rng(seed)
    some = points[rng.permutation(len(points))[:TRIED_ROWS]]
    cloud = rng.multivariate_normal(some.mean(axis=0), np.atleast_2d(np.cov(some.T)), len(some), method="eigh")
    distinct = len(np.unique(some, axis=0))
    with _threads().limit(limits=1):
        return choice_of(tuple(_try(count, some, cloud, rng) for count in COUNTS if count < distinct))


def choice_of(trials: tuple[Trial, ...]) -> Choice:
    """Take the admissible number with the largest silhouette over one cloud's; 4 when none is admissible."""
    good = [trial for trial in trials if _is_good(trial)]
    if not good:
        return Choice(count=DEFAULT_COUNT, is_discovered=False, why=_why_default(), trials=trials)
    best = max(good, key=lambda trial: (trial.silhouette - trial.silhouette_of_one_cloud, -trial.count))
    return Choice(count=best.count, is_discovered=True, why=_why(best), trials=trials)


def k_means(points: np.ndarray, count: int, *, seed: int, starts: int = 10) -> KMeans:
    """Return fitted KMeans, of one thread: more add up in another order, and the centres then differ in bits."""
    with _threads().limit(limits=1):
        return KMeans(count, n_init=starts, random_state=seed, algorithm="lloyd").fit(points)


@cache
def _threads() -> ThreadpoolController:
    """Looking for the libraries that have threads costs 9 ms: once is enough."""
    return ThreadpoolController()


def _is_good(trial: Trial) -> bool:
    is_apart = trial.silhouette >= max(APART, trial.silhouette_of_one_cloud + OVER_ONE_CLOUD)
    return is_apart and trial.stability >= STABLE and trial.smallest_share >= SMALLEST_SHARE


def _why(best: Trial) -> str:
    return (
        f"{best.count} groups come again when the customers are drawn anew (agreement {best.stability:.2f} of 1) and "
        f"lie apart: silhouette {best.silhouette:.2f}, where one crowd cut into {best.count} pieces would have "
        f"{best.silhouette_of_one_cloud:.2f}. No other number from {COUNTS[0]} to {COUNTS[-1]} does better at both."
    )


def _why_default() -> str:
    return (
        f"No number from {COUNTS[0]} to {COUNTS[-1]} gives groups that both come again when the customers are drawn "
        "anew and lie clearly apart: the customers are one crowd without gaps. "
        f"{DEFAULT_COUNT} segments are a convenient division of it, not groups that were discovered."
    )


def _try(count: int, points: np.ndarray, cloud: np.ndarray, rng: np.random.Generator) -> Trial:
    seed = int(rng.integers(2**31))
    labels = k_means(points, count, seed=seed).labels_
    of_cloud = k_means(cloud, count, seed=seed).labels_
    return Trial(
        count=count,
        stability=float(np.mean([*_agreements(count, points, rng)])),
        silhouette=float(silhouette_score(points, labels)),
        silhouette_of_one_cloud=float(silhouette_score(cloud, of_cloud)),
        smallest_share=float(np.bincount(labels, minlength=count).min() / len(points)),
    )


def _agreements(count: int, points: np.ndarray, rng: np.random.Generator) -> Iterator[float]:
    """Adjusted Rand index of all customers' segments, for two sets of centres, each found in its own resample."""
    for _ in range(PAIRS):
        first, second = (_labels_from_resample(count, points, rng) for _ in range(2))
        yield float(adjusted_rand_score(first, second))


def _labels_from_resample(count: int, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    drawn = points[rng.integers(len(points), size=len(points))]
    return np.asarray(k_means(drawn, count, seed=int(rng.integers(2**31)), starts=3).predict(points))
