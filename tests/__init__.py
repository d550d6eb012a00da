"""The tests; none tells the makers of a library that it ran."""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # noqa: TID251  before the first test imports ONNX Runtime
