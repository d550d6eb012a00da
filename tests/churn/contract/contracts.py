"""Random contracts for property tests: any column name, every type, derived columns of every operation."""

from hypothesis import strategies as st

from churn.contract.column import Column
from churn.contract.contract import RESERVED_NAMES, Contract

NAMES = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters=[chr(code) for code in range(32)]),
    min_size=1,
    max_size=12,
).filter(lambda name: name not in RESERVED_NAMES | {"id!", "left!"})
READABLE = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=8)
SPECIAL = st.sampled_from(["None", "NA", "?", "-", "1", "0", "408", "-7", "Yes", "No", "nan", "1.0", "x"])
LIMIT = st.floats(-1e6, 1e6, width=32)


@st.composite
def columns(draw: st.DrawFn) -> Column:
    kind = draw(st.sampled_from(["number", "integer", "boolean", "category"]))
    required = draw(st.booleans())
    if kind == "category":
        values = draw(st.lists(READABLE | SPECIAL, max_size=5, unique=True))
        is_open = draw(st.booleans()) or not values
        return Column(type="category", categories=tuple(values), accept_unknown=is_open, required=required)
    if kind == "boolean":
        return Column(type="boolean", required=required)
    low, high = sorted([draw(LIMIT), draw(LIMIT)])
    high = max(high, low + 1)
    bounds = {"minimum": draw(st.sampled_from([None, low])), "maximum": draw(st.sampled_from([None, high]))}
    return Column.model_validate({"type": kind, "required": required, **bounds})


@st.composite
def contracts(draw: st.DrawFn, names: st.SearchStrategy[str] = NAMES) -> Contract:
    chosen = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    made = {name: draw(columns()) for name in chosen}
    return Contract.model_validate(
        {
            "name": "random",
            "customer_id": draw(st.sampled_from([None, "id!"])),
            "target": {"column": "left!", "positive": "Yes"},
            "columns": made,
            "derived": draw(st.sampled_from(_derived(made))),
        }
    )


def _derived(made: dict[str, Column]) -> list[dict[str, object]]:
    """Nothing, or every operation that the columns allow."""
    numbers = [name for name, column in made.items() if column.is_numeric]
    texts = [name for name, column in made.items() if not column.is_numeric]
    found: dict[str, object] = {}
    if numbers:
        one, other = numbers[0], numbers[-1]
        found |= {
            "derived 1": {"operation": "ratio", "numerator": one, "denominator": other},
            "derived 2": {"operation": "difference", "left": one, "right": other},
            "derived 3": {"operation": "sum", "columns": [one, other]},
            "derived 4": {"operation": "bin", "column": one, "edges": [-1.5, 0, 7]},
            "derived 5": {"operation": "log1p", "column": other},
        }
    if texts:
        found["derived 6"] = {"operation": "count_of", "columns": texts, "values": ["Yes", "1"]}
    found["derived 7"] = {"operation": "is_missing", "column": next(iter(made))}
    return [{}, {name: how for name, how in found.items() if name not in made}]
