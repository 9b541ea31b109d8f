"""Kill -9 at every point between two effects, once and twice in a row; a new worker finishes.

`listing.py` lists the cells at the end. With SOAK_CRASHES=1 the second worker, too, is killed at
each of its points.
"""

import pytest

from tests.crash import listing, matrix

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("side", listing.SIDES)
@pytest.mark.parametrize(("route", "ending"), matrix.LIVES)
def test_a_worker_that_is_killed_loses_nothing_and_spends_nothing_twice(
    bench: matrix.Bench, route: str, ending: str, side: str, subtests: pytest.Subtests
) -> None:
    for name, first in bench.points(side):
        cell, rest = f"{route}-{ending}-{name}", list[str]()
        with subtests.test(f"{cell}-once"):
            rest = bench.run(first)
        for again, second in bench.second(rest, first):
            with subtests.test(f"{cell}-then-{again}"):
                bench.run(first, second, rest=rest)


@pytest.mark.parametrize("ending", ["video"])
@pytest.mark.parametrize("route", matrix.MODELS)
def test_the_trap_sees_every_kind_of_effect_of_every_step(
    bench: matrix.Bench, route: str, ending: str
) -> None:
    seen = {effect.partition(".")[0] for effect in bench.life}

    assert seen >= {
        *(f"commit-{step}" for step in ("start", "analyse", "submit", "poll", "finish")),
        *(f"call-{step}" for step in ("analyse", "submit", "poll")),
        *("file-start", "piece-start", "file-finish", "piece-finish"),
    }
