"""The stages of a short: which one it is at, when each began, what each took or usually takes."""

from datetime import timedelta

import pytest

from accounts.models import User
from generation import durations, stages
from generation.estimates import Estimate
from generation.models import State
from generation.stages import Stage
from shortsproject.local.gemini import StandIn
from tests.factories import AT
from tests.generation import driving, thought_of

ESTIMATE = Estimate(usual=timedelta(seconds=45), longest=timedelta(seconds=95))
TIMES = {
    "analysis_began_at": AT + timedelta(seconds=1),
    "analyzed_at": AT + timedelta(seconds=8),
    "submitted_at": AT + timedelta(seconds=10),
}


def told(
    state: str, *, seconds: int = 0, estimate: Estimate | None = ESTIMATE, **fields: object
) -> list[Stage]:
    """The stages of a short so many seconds after its order."""
    short = thought_of.short(state, **fields)
    return stages.of(short=short, estimate=estimate, at=AT + timedelta(seconds=seconds))


def test_each_stage_says_when_it_began_and_how_long_it_took() -> None:
    shown = told(
        State.SUCCEEDED,
        **TIMES,
        rendered_at=AT + timedelta(seconds=82),
        finished_at=AT + timedelta(seconds=82),
    )

    assert [one.took for one in shown] == ["1 s", "7 s", "2 s", "1 min 12 s", "under 1 s", ""]
    assert shown[3].began_at == AT + timedelta(seconds=10)
    assert shown[5].began_at == AT + timedelta(seconds=82)
    assert {one.status for one in shown} == {"done"}


def test_the_stage_that_runs_says_since_when_and_how_long_it_usually_takes() -> None:
    rendering = told(State.RENDERING, seconds=40, **TIMES)[3]

    assert (rendering.status, rendering.began_at) == ("now", TIMES["submitted_at"])
    assert (rendering.usually, rendering.took) == ("usually 1 to 2 minutes", "")
    assert (rendering.late, rendering.untold) == (False, False)


def test_a_render_is_called_late_only_when_nine_of_ten_were_done_by_then() -> None:
    assert not told(State.RENDERING, seconds=105, **TIMES)[3].late
    assert told(State.RENDERING, seconds=106, **TIMES)[3].late


def test_with_too_few_renders_it_says_that_it_cannot_tell() -> None:
    rendering = told(State.RENDERING, seconds=500, estimate=None, **TIMES)[3]

    assert (rendering.usually, rendering.untold, rendering.late) == ("", True, False)


@pytest.mark.parametrize(
    ("state", "fields"),
    [(State.RENDERING, {"overdue_at": AT}), (State.SUBMIT_UNKNOWN, {}), (State.FAILED, {})],
)
def test_where_nothing_is_usual_any_more_no_estimate_is_shown(
    state: str, fields: dict[str, object]
) -> None:
    rendering = told(state, seconds=2000, **TIMES, **fields)[3]

    assert (rendering.usually, rendering.untold, rendering.late) == ("", False, False)


def test_what_is_to_come_says_what_it_usually_takes() -> None:
    shown = told(State.QUEUED)

    assert [one.status for one in shown] == ["now", "next", "next", "next", "next", "next"]
    assert [one.usually for one in shown] == ["", "", "", "usually 1 to 2 minutes", "", ""]
    assert [one.began_at for one in shown] == [AT, None, None, None, None, None]


def test_an_analysis_that_was_taken_over_took_no_time() -> None:
    shown = told(State.RENDERING, analysis_of_id=thought_of.short(State.SUCCEEDED).pk, **TIMES)

    assert str(shown[1].label) == str(stages.TAKEN_OVER)
    assert (shown[1].began_at, shown[1].took) == (None, "")
    assert shown[2].began_at == AT


@pytest.mark.django_db(transaction=True)
def test_each_step_of_a_short_notes_its_time(alice: User, stand_in: StandIn) -> None:
    short = driving.until(driving.begin(alice), State.SUCCEEDED)

    noted = [
        short.created_at, short.analysis_began_at, short.analyzed_at, short.submitted_at,
        short.rendered_at, short.finished_at,
    ]  # fmt: skip
    assert noted == sorted(noted)


@pytest.mark.django_db(transaction=True)
def test_an_analysis_that_is_asked_for_twice_began_once(alice: User, stand_in: StandIn) -> None:
    stand_in.next("analyse", cut="after")
    asked_once = driving.step(driving.begin(alice))
    began = asked_once.analysis_began_at

    short = driving.until(asked_once, State.ANALYZED, State.RENDERING)

    assert (began is not None, short.unclear_answers) == (True, 1)
    assert short.analysis_began_at == began


def test_a_stage_that_ended_it_says_how_long_it_went_on() -> None:
    ended = AT + timedelta(seconds=70)

    stopped = told(State.FAILED, **TIMES, operation_name="o", finished_at=ended)[3]

    assert (stopped.status, stopped.took) == ("stopped", "1 min 0 s")


@pytest.mark.parametrize(
    ("state", "fields", "number"),
    [
        (State.CANCELED, {}, 0),
        (State.FAILED, {"attempt": 2}, 1),
        (State.FAILED, {"attempt": 3, "video_prompt": "p"}, 2),
        (State.FAILED, {"attempt": 3, "video_prompt": "p", "operation_name": "o"}, 3),
        (State.LOST, {"operation_name": "o"}, 4),
        (State.SUCCEEDED, {}, 5),
    ],
)
def test_an_ended_short_shows_how_far_it_came(
    state: str, fields: dict[str, object], number: int
) -> None:
    assert stages.number_of(thought_of.short(state, **fields)) == number


@pytest.mark.parametrize(
    ("usual", "longest", "words"),
    [
        (1, 1, "usually about 1 second"),
        (3, 4, "usually 3 to 4 seconds"),
        (41, 52, "usually 45 to 55 seconds"),
        (41, 44, "usually about 45 seconds"),
        (40, 95, "usually 1 to 2 minutes"),
        (58, 60, "usually about 60 seconds"),
        (80, 119, "usually 1 to 2 minutes"),
        (115, 120, "usually about 2 minutes"),
        (70, 4000, "usually 1 to 67 minutes"),
    ],
)
def test_what_is_usual_is_told_in_round_figures(usual: int, longest: int, words: str) -> None:
    low, high = timedelta(seconds=usual), timedelta(seconds=longest)

    assert durations.usually(usual=low, longest=high) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1, "under 1 s"), (0.4, "under 1 s"), (59, "59 s"), (60, "1 min 0 s"), (7500, "2 h 5 min")],
)
def test_what_was_is_told_exactly(seconds: float, words: str) -> None:
    assert durations.exact(timedelta(seconds=seconds)) == words
