"""In which order workers hear of what may have something to do."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from celery import current_app
from django.utils import timezone
from kombu.simple import SimpleQueue

from accounts.models import User
from generation.models import Short, State
from generation.pipeline import bell, sweep
from generation.tasks import ring_due, ring_orders
from shortsproject.local.gemini import StandIn
from tests.generation import driving


@pytest.fixture
def queue() -> Iterator[SimpleQueue]:
    """What a worker reads from the real broker."""
    with current_app.connection_for_read() as connection:
        waiting = connection.SimpleQueue(current_app.conf.task_default_queue)
        waiting.clear()
        yield waiting
        waiting.close()


def test_a_render_and_beat_do_not_wait_behind_orders_that_nobody_has_begun(
    queue: SimpleQueue,
) -> None:
    bell.ring_now(short_id=UUID(int=1), state=State.QUEUED)
    ring_orders.apply_async(**current_app.conf.beat_schedule["ring for waiting orders"]["options"])
    bell.ring_now(short_id=UUID(int=2), state=State.RENDERING)
    ring_due.delay()

    heard = [queue.get(timeout=5) for _ in range(4)]

    assert [message.headers["task"] for message in heard] == [
        "generation.advance", "generation.ring_due", "generation.advance", "generation.ring_orders",
    ]  # fmt: skip
    assert [message.payload[1].get("short_id", "")[-1:] for message in heard] == ["2", "", "1", ""]


@pytest.mark.django_db(transaction=True)
def test_beat_rings_first_for_what_has_begun(
    alice: User, stand_in: StandIn, queue: SimpleQueue
) -> None:
    ordered = driving.begin(alice)
    rendering = driving.step(driving.begin(alice))
    queue.clear()
    Short.objects.filter(pk=rendering.pk).update(next_attempt_at=timezone.now())
    Short.objects.update(rung_at=None)

    sweep.ring_due(at=timezone.now())

    heard = [queue.get(timeout=5).payload[1]["short_id"] for _ in range(2)]
    assert heard == [str(rendering.pk), str(ordered.pk)]
