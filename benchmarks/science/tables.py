"""The tables that the card measures: each a file, a contract, and what was done to both."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from churn.contract.contract import Contract
from churn.contract.inference.columns import column_of
from churn.contract.inference.infer import infer_contract
from churn.contract.inference.profile import profile_of
from churn.contract.reading import load_contract
from churn.data.files import READ_WITH, read_table
from churn.errors import UsageError

CONTRACTS = Path(__file__).parents[2] / "contracts"
EXTENDED_ID, EXTENDED_TARGET = "Customer ID", "Churn Label"
EXTENDED_PARTS = ("status", "services", "demographics", "location")


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the card.

    Attributes:
        title: its heading.
        words: what it is, as Markdown.
        alone: a number whose score alone is a contestant, "" for none.
        published_base_rate: share of leavers that others report, None when nobody does.
        is_tried_again: when columns are refused, whether it is measured once more without them.
    """

    title: str
    contract: Contract
    data: Path
    words: str = ""
    alone: str = ""
    published_base_rate: float | None = None
    is_tried_again: bool = False

    @property
    def key(self) -> str:
        """Names its part of the page."""
        return f"science {self.data.stem}"


def telco(data: Path) -> Table:
    return Table("Telco, the 19 columns as published", load_contract(CONTRACTS / "telco.yaml"), data)


def cdnow(events: Path) -> Table:
    return Table(
        "CDNOW, labels made from a purchase log",
        load_contract(CONTRACTS / "cdnow.yaml"),
        events,
        "No purchase in the 39 weeks after 1997-09-30 is the label; `label` makes the table from the log.",
        alone="recency_days",
        published_base_rate=0.7006,
    )


def in_folder(folder: Path) -> Iterator[Table]:
    """Yield every table with a contract of the same name beside it.

    Raises:
        UsageError: a contract has no table beside it, or there is none at all.
    """
    contracts = sorted(folder.glob("*.yaml"))
    if not contracts:
        raise UsageError(f"{folder} holds no contract: put <name>.yaml beside <name>.csv (`churn contract` drafts one)")
    for path in contracts:
        data = [found for ending in READ_WITH if (found := path.with_suffix(ending)).is_file()]
        if not data:
            raise UsageError(f"{path} has no table beside it: put {path.stem}.csv into {folder}")
        yield Table(f"{path.stem}, from a folder", load_contract(path), data[0])


def extended(folder: Path, scratch: Path) -> Table:
    """Join the parts of the extended Telco file and draft a contract with every column that knows the outcome in it."""
    data = scratch / "telco_extended.csv"
    join_extended(folder).to_csv(data, index=False)
    columns = read_table(data).columns
    draft = infer_contract(columns, name="telco_extended", target=EXTENDED_TARGET, customer_id=EXTENDED_ID).contract
    return Table(
        "Telco extended, with every column that knows the outcome",
        with_inputs(draft, {name: columns[name] for name in draft.leaking}),
        data,
        f"{', '.join(EXTENDED_PARTS)} and population joined by customer. The contract is drafted (`churn "
        f"contract`); the {len(draft.leaking)} columns that the draft sets aside as leaking are forced back in.",
        is_tried_again=True,
    )


def join_extended(folder: Path) -> pd.DataFrame:
    """Join the parts, one row per customer; what two parts both say is kept once. The text `None` is a value."""
    joined = _part(folder, EXTENDED_PARTS[0])
    for name in EXTENDED_PARTS[1:]:
        part = _part(folder, name)
        joined = joined.merge(part[[EXTENDED_ID, *part.columns.difference(joined.columns, sort=False)]], on=EXTENDED_ID)
    population = _part(folder, "population")[["Zip Code", "Population"]]
    return joined.merge(population, on="Zip Code", how="left")


def with_inputs(contract: Contract, cells: Mapping[str, list[object]]) -> Contract:
    """Return the contract with these leaking columns as inputs."""
    found = contract.model_dump()
    forced = {name: column_of(profile_of(name, values), required=False) for name, values in cells.items()}
    kept = {name: reason for name, reason in contract.leaking.items() if name not in forced}
    return Contract.model_validate(found | {"columns": {**contract.columns, **forced}, "leaking": kept})


def without(table: Table, refused: Iterable[str]) -> Table:
    """Return the table with these columns under `leaking:`, as the audit asks for."""
    named = dict.fromkeys(refused, "the leakage audit refused it")
    contract = table.contract
    columns = {name: column for name, column in contract.columns.items() if name not in named}
    changed = contract.model_dump() | {"columns": columns, "leaking": {**contract.leaking, **named}}
    return Table(
        table.title.replace("with every column that knows the outcome", "the refused columns under `leaking:`"),
        Contract.model_validate(changed),
        table.data,
        f"The same table; {len(columns)} columns are left.",
    )


def _part(folder: Path, name: str) -> pd.DataFrame:
    path = folder / f"Telco_customer_churn_{name}.xlsx"
    if not path.is_file():
        raise UsageError(f"{folder} has no {path.name}: give the folder of the extended Telco file with --extended")
    return pd.read_excel(path, keep_default_na=False, na_values=[""])
