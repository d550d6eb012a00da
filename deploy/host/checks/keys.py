"""An API key for as long as predictions are checked, where predictions need one."""

from __future__ import annotations  # hosts may have Python 3.9

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.host.checks.installation import Installation
from deploy.host.inside import churn

LABEL = "make-smoke"


@contextmanager
def admitted(at: Installation) -> Iterator[Installation]:
    """Yield the installation with a key, if it needs one; the key is void afterwards.

    Raises:
        HostError: no key could be made.
    """
    if at.settings.get("HOLDFAST_PREDICT_ACCESS", "open") != "key":
        yield at
        return
    key = churn(at.project, "key", "add", LABEL, "--role", "client", "--days", "1").split()[-1]
    try:
        yield dataclasses.replace(at, api_key=key)
    finally:
        churn(at.project, "key", "revoke", key.split("_")[1])
