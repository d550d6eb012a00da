"""Migrations only add: what an older program knows stays, so that an update can be taken back."""

import ast
from pathlib import Path

import pytest

from churn.stores import migrations

FOLDER = Path(migrations.__file__).parent / "versions"
TAKES_AWAY = {"drop_table", "drop_column", "alter_column", "rename_table", "drop_constraint", "drop_index"}
BEFORE_THE_RULE = {"0003_eyes.py": {"drop_table"}}
"""A table moved before anything was released."""


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("0*.py")))
def test_an_upgrade_only_adds(name: str) -> None:
    tree = ast.parse((FOLDER / name).read_text(encoding="utf-8"))
    upward = [
        each for each in tree.body if not (isinstance(each, ast.FunctionDef) and each.name.lstrip("_") == "downgrade")
    ]
    called = {
        each.attr for part in upward for each in ast.walk(part) if isinstance(each, ast.Attribute) if _is_of_op(each)
    }

    assert called & TAKES_AWAY == BEFORE_THE_RULE.get(name, set())


def _is_of_op(attribute: ast.Attribute) -> bool:
    return isinstance(attribute.value, ast.Name) and attribute.value.id == "op"
