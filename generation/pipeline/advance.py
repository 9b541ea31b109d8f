"""Do what is next for one short. The claim in each step checks that it is due."""

from collections.abc import Callable
from uuid import UUID

from generation.models import Short, State
from generation.pipeline import analyse, finish, poll, recording, submit

Step = Callable[..., bool]

STEPS: dict[str, Step] = {
    State.QUEUED: analyse.run,
    State.ANALYZING: analyse.take_over,
    State.ANALYZED: submit.run,
    State.SUBMITTING: submit.expire,
    State.RENDERING: poll.run,
    State.RENDERED: finish.run,
}


def run(*, short_id: UUID, now: recording.Clock) -> None:
    """Take the due steps of one short, one after the other, until it has to wait or has ended."""
    while True:
        state = Short.objects.filter(pk=short_id).values_list("state", flat=True).first()
        step = STEPS.get(state or "")
        if step is None or not step(short_id=short_id, now=now):
            return
