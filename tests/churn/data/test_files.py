import datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from churn.data.files import read_table
from churn.errors import TableError


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_a_csv_is_read_and_its_encoding_and_delimiter_are_told(tmp_path: Path, encoding: str) -> None:
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    path = tmp_path / "kunden.csv"
    path.write_bytes((mark + "id;Ort\n1;Düsseldorf\n2;Köln\n3\n4;\n").encode(encoding))

    table = read_table(path)

    assert table.columns == {"id": ["1", "2", "4"], "Ort": ["Düsseldorf", "Köln", ""]}
    assert (table.format, table.encoding, table.delimiter) == ("csv", encoding.removesuffix("-le"), ";")
    assert (table.rows, table.row_numbers, table.bad_rows) == (3, [1, 2, 4], [(3, "1 cells for 2 columns")])


def test_a_csv_without_a_single_whole_row_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("a,b\n1\n2\n")

    with pytest.raises(TableError, match="none of its 2 rows can be read; row 1: 1 cells for 2 columns"):
        read_table(path)


def test_parquet_cells_are_python_values_and_null_is_none(tmp_path: Path) -> None:
    path = tmp_path / "customers.parquet"
    cells = {
        "id": [1, 2],
        "fee": [Decimal("1.50"), None],
        "left": [True, None],
        "since": [datetime.date(2020, 1, 2)] * 2,
    }
    pq.write_table(pa.table(cells), path)

    table = read_table(path)

    assert table.columns == cells | {"fee": [1.5, None]}
    assert (table.format, table.encoding, table.delimiter, list(table.row_numbers)) == ("parquet", None, None, [1, 2])


def test_a_workbook_is_read_without_the_blank_lines_and_columns_around_it(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in [("id", " fee ", None), ("a", 1.5, None), ("b", None), (None, None), (None, "", None)][:4]:
        sheet.append(row)
    sheet["D5"] = None
    path = tmp_path / "customers.xlsx"
    book.save(path)

    table = read_table(path)

    assert table.columns == {"id": ["a", "b"], "fee": [1.5, None]}
    assert (table.format, table.rows) == ("xlsx", 2)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("customers.xlsx", b"id,fee\n1,2\n", "is not an Excel workbook"),
        ("customers.parquet", b"id,fee\n1,2\n", "is not a Parquet file"),
        ("customers.csv", b"PAR1....PAR1", "name it .parquet"),
        ("customers.csv", b"", "is empty"),
        ("customers.xls", b"", "is none of .csv"),
        ("customers.csv.gz", b"", "is none of .csv"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(TableError, match=message):
        read_table(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()

    with pytest.raises(TableError, match=r"customers.csv can't be read: No such file"):
        read_table(tmp_path / "customers.csv")
    with pytest.raises(TableError, match=r"folder.csv can't be read: Is a directory"):
        read_table(tmp_path / "folder.csv")


def test_a_workbook_or_parquet_without_rows_is_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.save(tmp_path / "empty.xlsx")
    book.worksheets[0].append(["id", "fee"])
    book.save(tmp_path / "header.xlsx")
    pq.write_table(pa.table({"id": pa.array([], pa.int64())}), tmp_path / "header.parquet")

    with pytest.raises(TableError, match="is empty"):
        read_table(tmp_path / "empty.xlsx")
    with pytest.raises(TableError, match="has a header and no rows"):
        read_table(tmp_path / "header.xlsx")
    with pytest.raises(TableError, match="has a header and no rows"):
        read_table(tmp_path / "header.parquet")


def test_the_real_telco_file_is_read_whole(telco_file: Path) -> None:
    table = read_table(telco_file)

    assert (table.rows, len(table.columns), table.bad_rows) == (7043, 21, [])
    assert (table.encoding, table.delimiter) == ("utf-8", ",")
    assert sum(cell == " " for cell in table.columns["TotalCharges"]) == 11
