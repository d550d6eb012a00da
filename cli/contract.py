"""`churn contract`: check, show or infer a contract."""

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from churn.contract.column import Column
from churn.contract.contract import Contract
from churn.contract.policy import RECALL_WITHOUT_ECONOMICS
from churn.contract.reading import load_contract
from churn.errors import UsageError
from cli.console import err, out

FIRST_REASONS = 10

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, help="Check, show or infer a contract."
)

ContractFile = Annotated[Path, typer.Argument(metavar="FILE", help="A contract: YAML.")]


@app.command()
def check(
    file: ContractFile,
    data: Annotated[Path | None, typer.Option(help="Hold this table (CSV, Parquet, XLSX) against it, too.")] = None,
) -> None:
    """Check that a contract holds, and with --data which rows of a table it accepts."""
    contract = load_contract(file)
    out.print(
        f"{file} holds: {len(contract.columns)} columns, {len(contract.derived)} derived, "
        f"target {contract.target.column}",
        markup=False,
    )
    if data is not None:
        _check_data(contract, data)


@app.command()
def show(
    file: ContractFile,
    as_json: Annotated[bool, typer.Option("--json", help="Write the whole contract as JSON.")] = False,
) -> None:
    """Show a contract: columns and their roles, derived columns, policy."""
    contract = load_contract(file)
    if as_json:
        typer.echo(contract.model_dump_json(indent=2))
        return
    out.print(_columns_table(contract))
    for line in _facts(contract):
        out.print(line, markup=False)


@app.command()
def infer(  # noqa: PLR0913, PLR0917  typer passes options by name
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="A customer table: CSV, Parquet or XLSX.")],
    target: Annotated[str, typer.Option(help="Column that says who left.")],
    positive: Annotated[str | None, typer.Option(help="Its value for those who left.")] = None,
    customer_id: Annotated[str | None, typer.Option("--id", help="Column that names the customer.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the contract; else made from the file's name.")] = None,
    out_file: Annotated[Path | None, typer.Option("--out", help="Write the draft here, not to stdout.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Draft a contract from a customer table; what was found goes to stderr."""
    from churn.contract.inference import infer_contract, render
    from churn.data.files import read_table

    if out_file is not None and out_file.exists() and not force:
        raise UsageError(f"{out_file} is there already: give another --out, or --force to overwrite it")
    read = read_table(table)
    inference = infer_contract(
        read.columns,
        name=name or _name_of(out_file or table),
        target=target,
        positive=positive,
        customer_id=customer_id,
    )
    _tell_reading(table, read.rows, ", ".join(filter(None, [read.format, read.encoding, _spoken(read.delimiter)])))
    _tell_bad_rows(read.bad_rows)
    for finding in inference.findings:
        err.print(f"  {finding.column or 'table'}: {finding.text}", markup=False)
    _write(render(inference), out_file)


def _check_data(contract: Contract, data: Path) -> None:
    from churn.contract.table import check_table
    from churn.data.files import read_table

    table = read_table(data)
    checked = check_table(contract, table.columns)
    rejected = [(table.row_numbers[row.row - 1], "; ".join(row.reasons)) for row in checked.rejected]
    bad_rows = sorted([*table.bad_rows, *rejected])
    out.print(f"{data}: {len(checked.accepted):,} rows accepted, {len(bad_rows):,} set aside", markup=False)
    for number, reason in bad_rows[:FIRST_REASONS]:
        out.print(f"  row {number}: {reason}", markup=False)
    if len(bad_rows) > FIRST_REASONS:
        out.print(f"  … and {len(bad_rows) - FIRST_REASONS:,} more", markup=False)


def _columns_table(contract: Contract) -> Table:
    table = Table("column", "role", "type", "values", "required", title=contract.name, title_justify="left")
    if contract.customer_id:
        table.add_row(contract.customer_id, "customer id", "", "", "")
    values = f"{contract.target.positive} left, {contract.target.negative or 'any other'} stayed"
    table.add_row(contract.target.column, "target", "", values, "")
    for name, column in contract.columns.items():
        role = "input, protected" if column.protected else "input"
        table.add_row(name, role, column.type, _values(column), "yes" if column.required else "")
    for name, derived in contract.derived.items():
        table.add_row(name, "derived", derived.operation, "", "")
    for role, reasons in (("ignored", contract.ignored), ("leaking", contract.leaking)):
        for name, reason in reasons.items():
            table.add_row(name, role, "", reason, "")
    return table


def _values(column: Column) -> str:
    if column.type == "category":
        return ", ".join([*column.categories, *(["…"] if column.accept_unknown else [])])
    bounds = ["" if bound is None else f"{bound:g}" for bound in (column.minimum, column.maximum)]
    return " ".join(filter(None, [f"{bounds[0]} … {bounds[1]}" if any(bounds) else "", column.unit]))


def _facts(contract: Contract) -> list[str]:
    policy, economics = contract.policy, contract.economics
    wanted = "most expected profit" if economics else f"find {RECALL_WITHOUT_ECONOMICS:.0%} of those who leave"
    if policy.recall_at_least:
        wanted = f"find {policy.recall_at_least:.0%} of those who leave"
    facts = [f"policy: {wanted}; HIGH risk from {policy.high_risk_from:g}"]
    if economics:
        worth = economics.value_column or f"{economics.customer_value:g} for each customer"
        facts.append(f"economics: {worth} in {economics.currency} over {economics.horizon_months} months")
    return facts


def _name_of(path: Path) -> str:
    """Make a contract's name from a file's name."""
    slug = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")[:60]
    return slug if slug[:1].isalpha() else f"c-{slug}".rstrip("-")


def _tell_reading(path: Path, rows: int, how: str) -> None:
    err.print(f"{path}: {rows:,} rows read ({how})", markup=False)


def _tell_bad_rows(bad_rows: list[tuple[int, str]]) -> None:
    if bad_rows:
        number, reason = bad_rows[0]
        err.print(f"  {len(bad_rows):,} rows can't be read and were left out; row {number}: {reason}", markup=False)


def _spoken(delimiter: str | None) -> str | None:
    return "tab" if delimiter == "\t" else delimiter and f"delimiter {delimiter}"


def _write(text: str, path: Path | None) -> None:
    if path is None:
        typer.echo(text, nl=False)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    err.print(f"wrote {path}: read its comments, then `churn contract check {path}`", markup=False)
