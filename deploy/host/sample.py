"""A version for an installation that has none: of synthetic customers, to try everything with."""

from __future__ import annotations  # hosts may have Python 3.9

from deploy.host.first_model import TABLES, await_version, train
from deploy.host.inside import churn

ROWS = "4000"
SEED = "1"
CONTRACT = "contracts/telco.yaml"
"""Of the image: its customers are like IBM's."""

QUICK = ("--trials", "1", "--candidates", "logistic", "--seed", SEED)

BEFORE = f"""
NOTE: no version is in production. One is trained now from {ROWS} SYNTHETIC customers (two minutes or so), so that
everything can be checked. `make smoke SAMPLE=no` never does that.
"""
AFTER = """
NOTE: version {version} knows SYNTHETIC customers only: good for trying, never for deciding about people. Train one from
your own with `make up DATA=customers.csv CONTRACT=contracts/yours.yaml RETRAIN=yes`.
"""


def make_version(project: str, front: str) -> str:
    """Train and promote a version, wait until it is served, and return it; what it is is said before and after.

    Args:
        project: COMPOSE_PROJECT_NAME.
        front: its address.

    Raises:
        HostError: it could not be trained, was not promoted, or is not served.
    """
    print(BEFORE, flush=True)
    table = f"{TABLES}/synthetic-customers.csv"
    churn(project, "data", "sample", "--rows", ROWS, "--seed", SEED, "--out", table)
    train(table, CONTRACT, QUICK)
    version = await_version(front, None)
    print(AFTER.format(version=version), flush=True)
    return version
