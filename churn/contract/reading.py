"""A contract as YAML: read from a file or a text, and written."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from churn.contract.contract import Contract
from churn.errors import ContractError


def load_contract(path: Path) -> Contract:
    """Read a contract from a YAML file.

    Raises:
        ContractError: the file can't be read, or does not hold; all problems at once.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(f"the contract {path} can't be read: {error}") from error
    return parse_contract(text, str(path))


def parse_contract(text: str, source: str) -> Contract:
    """Read a contract from YAML text; `source` is named in errors."""
    try:
        return Contract.model_validate(yaml.load(text, _UniqueKeys))  # noqa: S506  a SafeLoader
    except yaml.YAMLError as error:
        raise ContractError(f"{source} is not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, e['loc'])) or 'contract'}: {_plain(e)}" for e in error.errors()]
        listed = f" {problems[0]}" if len(problems) == 1 else "".join(f"\n  {problem}" for problem in problems)
        raise ContractError(f"{source} does not hold:{listed}") from error


def _plain(error: Any) -> str:
    """Say what is wrong; unquoted Yes, No and numbers are the mistake that YAML invites."""
    found = error["input"]
    if error["type"] == "string_type" and isinstance(found, bool):
        words, meant = ("Yes, On or True", "Yes") if found else ("No, Off or False", "No")
        return f'{words} without quotes is a boolean in YAML, and a text is needed: write it in quotes, like "{meant}"'
    if error["type"] == "string_type" and isinstance(found, int | float):
        return f'a text is needed, and {found} is a number: write it in quotes, like "{found}"'
    return str(error["msg"]).removeprefix("Value error, ")


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML's loader would keep the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        """Build one mapping."""
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise yaml.constructor.ConstructorError(None, None, f"{sorted(twice)[0]!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep=deep)


def dump_contract(contract: Contract) -> str:
    """Write a contract as YAML text that `parse_contract` reads back to an equal contract."""
    values = contract.model_dump(mode="json", exclude_defaults=True)
    text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=110)
    if yaml.safe_load(text) == values:
        return text
    return yaml.safe_dump(values, sort_keys=False, width=110)  # some line ends of Unicode survive only as escapes
