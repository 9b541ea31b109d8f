"""docs/life-of-a-short.md says what the code does: states, moves, endings, the queue of staff."""

import re
from pathlib import Path

from generation import endings, states, unsettled
from generation.models import FINAL, State

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "life-of-a-short.md").read_text()


def table(header: str) -> dict[str, list[str]]:
    """The rows of the table that begins with this heading, by the code in their first cell."""
    _before, _header, rest = TEXT.partition(f"| {header} |")
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", rest.split("\n\n")[0], re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows}


def named(cell: str) -> set[str]:
    """What a cell names in code."""
    return set(re.findall(r"`(\w+)`", cell))


def test_every_state_has_a_row_with_every_cell_filled() -> None:
    rows = table("state")

    assert list(rows) == list(State.values)
    assert {len(cells) for cells in rows.values()} == {6}
    assert all(all(cells) for cells in rows.values())


def test_the_moves_are_those_that_the_code_allows() -> None:
    moves = {state: named(cells[0]) for state, cells in table("state").items()}

    assert moves == {state: set(states.ALLOWED.get(state, ())) for state in State.values}


def test_a_final_state_is_moved_by_nobody() -> None:
    idle = {state for state, cells in table("state").items() if cells[:2] == ["–", "–"]}

    assert idle == set(FINAL)


def test_every_ending_is_explained_and_in_a_state_that_exists() -> None:
    rows = table("code")

    assert set(rows) == set(endings.MESSAGES)
    assert set().union(*(named(cells[-1]) for cells in rows.values())) <= set(State.values)


def test_every_kind_of_the_queue_is_explained() -> None:
    assert set(table("kind")) == set(unsettled.Kind.values)
