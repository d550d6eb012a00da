from tests.faults.card import bound, grouped, merged, table

KILL = {
    "plan": "T3", "fault": "kill", "faults": 2, "requests": 900, "failed": 0, "answers_5xx": 0, "acknowledged": 900,
    "lost": 0, "twice": 0, "worst_failover_seconds": 0.035, "length": "short", "at": "2026-11-21",
}  # fmt: skip


def test_a_line_that_was_measured_again_is_replaced_but_a_long_run_s_not_by_a_short_one_s() -> None:
    longer = {**KILL, "requests": 50_000, "length": "long"}

    assert merged([KILL], [longer]) == [longer]
    assert merged([longer], [KILL]) == [longer]
    assert merged([KILL], [{**KILL, "requests": 901}]) == [{**KILL, "requests": 901}]


def test_lines_are_in_the_order_of_the_plan() -> None:
    found = merged([], [{**KILL, "plan": plan} for plan in ("T10", "T3c", "T3", "T2")])

    assert [line["plan"] for line in found] == ["T2", "T3", "T3c", "T10"]


def test_kinds_of_one_fault_are_one_line_of_the_table() -> None:
    one, other = ({**KILL, "fault": f"too much: {kind}", "memory": size} for kind, size in (("a", 3), ("b", 2)))

    (line,) = grouped([one, other])
    assert (line["fault"], line["faults"], line["requests"], line["memory"]) == ("too much", 4, 1800, 3)


def test_the_table_shows_counts_and_the_rest_in_words() -> None:
    assert "| T3 | kill | 2 | 900 | 0 | 0 | 900 | 0 | 0 | worst failover seconds 0.035 | short, 2026-11-21 |" in table(
        [KILL]
    )


def test_no_failure_among_900_is_worth_one_in_300() -> None:
    assert "fewer than 1 in 300 fail" in bound([KILL])


def test_a_failure_is_told_as_it_is() -> None:
    assert bound([{**KILL, "failed": 1}]).startswith("Failed: 1 of 900 predictions; lost: 0 of 900")
