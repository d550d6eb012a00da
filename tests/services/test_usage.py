"""What a worker tells of itself is what the kernel tells of its process."""

import time

import numpy as np
import psutil
import pytest

from services.usage import Usage


def test_processor_time_is_told_once() -> None:
    usage = Usage()
    usage.take_seconds()
    began = time.process_time()
    while time.process_time() - began < 0.05:
        pass

    assert usage.take_seconds() >= 0.05
    assert usage.take_seconds() < 0.05


def test_memory_is_that_of_the_process() -> None:
    kept = np.ones(4_000_000)

    assert Usage().resident_bytes() == pytest.approx(psutil.Process().memory_info().rss, rel=0.05)
    assert Usage().resident_bytes() > kept.nbytes
