"""Libraries that would tell their makers of each use are told not to."""

import subprocess
import sys
from pathlib import Path

import pytest

from churn.settings import environment_for_own_children

QUIET_BY_ITSELF = {"CI", "ORT_DISABLE_TELEMETRY"}
"""With these ONNX Runtime says nothing whatever we do."""


PROGRAMS = {
    "ours": "from churn.settings import set_library_defaults; set_library_defaults(); import onnxruntime",
    "a logged model, wherever it is loaded": "import churn.stores.pyfunc_model",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_onnx_runtime_keeps_no_identifier_of_this_machine_and_sends_nothing(tmp_path: Path, program: str) -> None:
    environment = {name: value for name, value in environment_for_own_children().items() if name not in QUIET_BY_ITSELF}

    subprocess.run(
        [sys.executable, "-c", program],
        env={**environment, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        check=True,
        timeout=120,
    )

    assert list(tmp_path.rglob("*")) == []
