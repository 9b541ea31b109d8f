"""The list of the crash matrix: every life, side and point, and what failed."""

import pytest

from tests.crash import listing

BEFORE = "enterprise-video-01-file-start.save_picture-before"
AFTER = "enterprise-video-02-commit-start._store-after"
NAMES = [f"{BEFORE}-then-01-file-start.save_picture-before", f"{BEFORE}-once", f"{AFTER}-once"]


def subtest(name: str, outcome: str) -> pytest.SubtestReport:
    """The report of a subtest, as the matrix and other tests make them."""
    given = {
        "nodeid": "t", "location": ("t", 1, "t"), "keywords": {}, "outcome": outcome,
        "longrepr": None, "when": "call", "duration": 1.0, "start": 0.0, "stop": 1.0,
        "sections": [], "user_properties": [], "_report_type": "SubTestReport",
        "_subtest.context": {"msg": name, "kwargs": {}},
    }  # fmt: skip
    return pytest.SubtestReport._from_json(given)


def test_each_life_and_side_has_its_points_and_how_often_they_were_killed() -> None:
    lines = list(listing.summary(names=NAMES, failed=[], width=200))

    assert lines == [
        "enterprise-video, killed before, 1 points: 01-file-start.save_picture",
        "enterprise-video, killed after, 1 points: 02-commit-start._store*",
        "3 cells, each point once and twice in a row (*: once); lost, double or extra: 0",
    ]


def test_a_cell_that_failed_is_named() -> None:
    lines = list(listing.summary(names=NAMES, failed=[NAMES[1]], width=200))

    assert lines[-2] == f"FAILED {BEFORE}-once"
    assert lines[-1].endswith("extra: 1")


def test_long_lists_are_wrapped_between_points() -> None:
    names = [f"developer-filtered-{n:02}-call-poll.poll-during-once" for n in range(30)]

    lines = list(listing.summary(names=names, failed=[], width=80))

    assert max(map(len, lines[:-1])) < 80
    assert all(line.endswith(("*,", "*")) for line in lines[:-1])


def test_only_cells_of_the_matrix_are_collected() -> None:
    cells = listing.Cells()

    cells.pytest_runtest_logreport(subtest(NAMES[0], "passed"))
    cells.pytest_runtest_logreport(subtest(NAMES[1], "failed"))
    cells.pytest_runtest_logreport(subtest("during the submit", "passed"))

    assert (cells.names, cells.failed) == (NAMES[:2], NAMES[1:2])
