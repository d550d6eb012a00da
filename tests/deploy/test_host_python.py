"""The commands of the host run on its own Python, 3.9 perhaps: annotations of today must not be evaluated there."""

import ast
from pathlib import Path

import pytest

HOST = Path(__file__).parent.parent.parent / "deploy" / "host"


@pytest.mark.parametrize("path", sorted(HOST.rglob("*.py")), ids=lambda path: str(path.relative_to(HOST)))
def test_a_module_of_the_host_is_one_for_python_3_9(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
    postponed = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)

    assert postponed or not _annotates_with_unions(tree)


def _annotates_with_unions(tree: ast.AST) -> bool:
    annotations = [
        note
        for node in ast.walk(tree)
        for note in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if note is not None
    ]
    return any(isinstance(part, ast.BinOp) for note in annotations for part in ast.walk(note))
