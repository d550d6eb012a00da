"""Whether a file is a table that has its labels already, told from its columns' names."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from churn.contract.contract import Contract
from churn.contract.proxy import Usage
from churn.data.csv_chunks import CsvFile
from churn.data.files import READ_WITH, read_table
from churn.errors import TableError


def is_labelled(path: Path, contract: Contract) -> bool:
    """Return true when the table has the target's column, and what a labelling gives beside it, or takes away.

    Raises:
        TableError: the file can't be read.
    """
    names = set(_names(path))
    proxy = contract.target.proxy
    if isinstance(proxy, Usage):
        return contract.target.column in names and not names & set(proxy.label_columns)
    return {contract.target.column, contract.customer_id} <= names


def _names(path: Path) -> tuple[str, ...]:
    """An event log need not be a table with a header; then it has no names."""
    try:
        match READ_WITH.get(path.suffix.lower()):
            case "parquet":
                return tuple(pq.read_schema(path).names)
            case "csv":
                with path.open("rb") as stream:
                    return CsvFile(stream, guess_encoding=True, name=str(path)).names
            case "xlsx":
                return tuple(read_table(path).columns)
            case _:
                return ()
    except (TableError, pa.ArrowInvalid):
        return ()
    except OSError as error:
        raise TableError(f"{path} can't be read: {error.strerror or error}") from error
