"""Field case FC-22: the job that kills its worker, at the same step, six times in a row."""

import pytest

from generation.models import State
from shortsproject.local.gemini import StandIn
from tests.crash import matrix
from tests.crash.trap import Point

pytestmark = pytest.mark.django_db(transaction=True)

SIX = 6
STEPS = {
    "before the analysis": (Point(0, "after", "commit-analyse.paid"), SIX, State.FAILED),
    "during the analysis": (Point(0, "during", "call-analyse.analyse"), 2, State.FAILED),
    "during the submit": (Point(0, "during", "call-submit.submit"), 1, State.SUBMIT_UNKNOWN),
    "while the file is written": (Point(0, "after", "piece-finish.save_video"), SIX,
                                  State.SUCCEEDED),
    "between file and commit": (Point(0, "before", "commit-finish.durably"), SIX,
                                State.SUCCEEDED),
}  # fmt: skip


@pytest.mark.parametrize(("route", "ending"), [("enterprise", "video")])
def test_fc_22_a_job_that_kills_its_worker_ends_after_a_few_and_lets_others_go_on(
    bench: matrix.Bench, quick_stand_in: StandIn, route: str, ending: str,
    subtests: pytest.Subtests,
) -> None:  # fmt: skip
    for step, (point, deaths, state) in STEPS.items():
        with subtests.test(step):
            short, died = bench.insist(point, times=SIX)
            calls = quick_stand_in.counts()["calls"]
            bench.run()

            assert (died, short.state) == (deaths, state)
            assert calls["analyse"] <= 2
            assert calls["submit"] == (short.state != State.FAILED)
