"""Owners call shorts off at the very moment at which workers go on with them."""

from collections import Counter
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from accounts.models import User
from generation import files, intake, states
from generation.models import Short, State
from generation.pipeline import again, cancel, claims, finish, leave, remove
from generation.providers.outcomes import VideoReady
from metering import ledger, queries
from metering.models import Hold
from shortsproject.local.gemini import StandIn
from tests import factories
from tests.concurrency import together
from tests.generation import calling_off, driving

pytestmark = pytest.mark.django_db(transaction=True)

EACH = 4
VIDEO = ("gemini-veo-video", "enterprise", "veo-3.1-fast-generate-001")
ANALYSIS = ("gemini-image-analysis", "enterprise", "gemini-3.8-flash")
STEPS = {State.ANALYZING: (State.QUEUED, ANALYSIS), State.SUBMITTING: (State.ANALYZED, VIDEO)}


@pytest.fixture
def many(alice: User) -> User:
    """Alice, who may have many shorts under way."""
    factories.limit(alice, None, at=timezone.now(), max_in_flight=100)
    return alice


def canceled(ids: list[UUID]) -> Counter[tuple[UUID, str]]:
    """Cancel each short. Runs in a process of its own."""
    answers: Counter[tuple[UUID, str]] = Counter()
    for short_id in ids:
        try:
            cancel.run(short_id=short_id, at=timezone.now())
        except cancel.NotCancelable:
            answers[short_id, "too late"] += 1
        else:
            answers[short_id, "canceled"] += 1
    return answers


def claimed(ids: list[UUID], working: str) -> Counter[tuple[UUID, str]]:
    """Claim the paid step of each short. Runs in a process of its own."""
    source, leg = (
        (State.QUEUED, ANALYSIS) if working == State.ANALYZING else (State.ANALYZED, VIDEO)
    )
    answers: Counter[tuple[UUID, str]] = Counter()
    for short_id in ids:
        try:
            claims.paid(
                short_id=short_id, sources=(source,), working=working,
                lease=timedelta(minutes=1), at=timezone.now(), leg=leg,
            )  # fmt: skip
        except states.NotClaimable:
            continue
        answers[short_id, "claimed"] += 1
    return answers


def either(work: str, *given: object) -> object:
    """One of the functions above by its name, so that one race runs both."""
    return globals()[work](*given)


def race(ids: list[UUID], working: str) -> Counter[tuple[UUID, str]]:
    jobs = [("canceled", ids), ("claimed", ids, working)] * EACH
    return sum(together.run(either, jobs), Counter())


def test_before_the_submit_either_the_cancel_wins_or_the_claim(
    many: User, stand_in: StandIn
) -> None:
    shorts = [calling_off.analysed(many) for _ in range(8)]
    Short.objects.update(next_attempt_at=timezone.now())

    answers = race([short.pk for short in shorts], State.SUBMITTING)

    for short in shorts:
        short.refresh_from_db()
        won = answers[short.pk, "claimed"]
        assert won in (0, 1)
        assert answers[short.pk, "too late"] == EACH * won
        assert short.state == (State.SUBMITTING if won else State.CANCELED)
        assert calling_off.legs(short) == ["captured", "open" if won else "released"]


def test_before_the_analysis_a_claim_that_wins_is_told_of_the_cancel(many: User) -> None:
    shorts = [driving.begin(many) for _ in range(8)]

    answers = race([short.pk for short in shorts], State.ANALYZING)

    for short in shorts:
        short.refresh_from_db()
        won = answers[short.pk, "claimed"]
        assert answers[short.pk, "canceled"] == EACH
        assert short.state == (State.ANALYZING if won else State.CANCELED)
        assert bool(short.cancel_requested_at) == bool(won)
        assert calling_off.legs(short) == (["open"] * 2 if won else ["released"] * 2)


def test_a_delete_beside_the_download_leaves_no_file(many: User, stand_in: StandIn) -> None:
    shorts = [driving.until(driving.begin(many), State.SUCCEEDED) for _ in range(6)]
    ready = VideoReady(video=files.read(shorts[0].video))
    for short in shorts:
        files.delete(short.video)
    Short.objects.update(
        state=State.RENDERED, finished_at=None, video="", next_attempt_at=timezone.now()
    )

    for short in shorts:
        store = partial(finish.run, short_id=short.pk, now=timezone.now, ready=ready)
        drop = partial(remove.run, short_id=short.pk, at=timezone.now())
        calling_off.at_once([store, drop])

    kept = " ".join(files.names())
    for short in shorts:
        short.refresh_from_db()
        assert (short.state, short.video, short.picture) == (State.SUCCEEDED, "", "")
        assert f"videos/{short.pk}" not in kept


def test_one_key_sent_by_eight_makes_one_short(many: User, stand_in: StandIn) -> None:
    source = driving.until(driving.begin(many), State.SUCCEEDED)
    order = intake.order_again(source=source, given={"idempotency_key": "the-same"})
    before = set(default_storage.listdir("pictures")[1])
    ask = partial(again.run, user=many, source=source, order=order, at=timezone.now())

    made = {started.short.pk for started in calling_off.at_once([ask] * 8)}

    (one,) = made
    assert Hold.objects.filter(job_id=one).count() == 1
    assert Short.objects.count() == 2
    assert set(default_storage.listdir("pictures")[1]) - before == {f"{one}.jpg"}


def begin(user_id: int) -> str:
    try:
        driving.begin(User.objects.get(pk=user_id))
    except ledger.AccountSuspended:
        return "refused"
    return "begun"


def depart(user_id: int) -> str:
    user = User.objects.get(pk=user_id)
    leave.run(user=user, actor=user, reason="race", at=timezone.now())
    return "left"


def test_no_short_is_begun_behind_the_back_of_who_leaves(many: User) -> None:
    jobs = [("begin", many.pk)] * 8 + [("depart", many.pk)] * 2

    answers = Counter(together.run(either, jobs))

    assert answers["left"] == 2
    assert answers["begun"] + answers["refused"] == 8
    assert set(Short.objects.values_list("state", flat=True)) <= {State.CANCELED}
    assert Short.objects.filter(deleted_at__isnull=True).count() == 0
    assert queries.balance(user=many, at=timezone.now()).held_tokens == 0
