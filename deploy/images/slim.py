"""Leaves out of an environment what no program imports, and compiles the rest.

`python slim.py SITE_PACKAGES [PACKAGE …]`: packages that are named stay source, theirs is bytecode that nobody reads.
"""

import compileall
import py_compile
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

DISPENSABLE = (
    *(f"{package}/**/tests" for package in ("fsspec", "matplotlib", "numpy", "pandas", "pyarrow", "scipy", "sklearn")),
    "statsmodels/**/tests",
    "matplotlib/mpl-data/sample_data",
    "pyarrow/include",
    "pyarrow/src",
    "pyarrow/*.px[di]",
    "pyarrow/*.pyx",
    "pyarrow/*flight*",  # Arrow over gRPC: 32 MB
    "pyarrow/libarrow_python*.so",  # the linker asks for libarrow_*.so.NUMBER: these two are copies of it
    "pyarrow/libarrow_python*.so.*.*.*",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    "sqlalchemy/testing",
)
"""Tests, headers, and parts that stand alone."""

SOURCE_ONLY = (
    "databricks",
    "mlflow/assistant",
    "mlflow/gateway",
    "mlflow/genai",
    "mlflow/langchain",
    "numpy/distutils",
    "numpy/f2py",
    "pygments/lexers",
)
"""Imported by no program of ours, but by others of their package perhaps."""


def remove(packages: Path, patterns: Iterable[str] = DISPENSABLE) -> None:
    """Remove what the patterns find."""
    for pattern in patterns:
        for found in sorted(packages.glob(pattern)):
            shutil.rmtree(found) if found.is_dir() else found.unlink(missing_ok=True)


def compile_all(packages: Path, source_only: Iterable[str] = SOURCE_ONLY) -> bool:
    """Write bytecode that names no time and is never checked against its source; say whether all of it compiled."""
    skipped = re.compile("|".join(rf"^{re.escape(str(packages / name))}/" for name in source_only))
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    return bool(compileall.compile_dir(packages, quiet=2, rx=skipped, workers=2, invalidation_mode=unchecked))


if __name__ == "__main__":
    environment = Path(sys.argv[1])
    remove(environment)
    compile_all(environment, (*SOURCE_ONLY, *sys.argv[2:]))
