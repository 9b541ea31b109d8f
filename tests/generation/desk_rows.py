"""Rows for staff to look at: one of each kind that the admin shows."""

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.utils import timezone

from accounts import signup
from accounts.models import ApiKey, User
from generation.models import ModelGate, Short, State
from metering import checkups, spending
from tests.metering.staff_work import notice, spend

FAST = "veo-3.1-fast-generate-001"


def ended(user: User) -> Short:
    """A short that held nothing and came to nothing."""
    now = timezone.now()
    return Short.objects.create(
        user=user, state=State.FAILED, model=FAST, seconds=8, resolution="720p",
        aspect_ratio="16:9", picture="pictures/none.jpg", picture_width=640, picture_height=360,
        wish="the cat <b>waves</b>", end_code="blocked", end_detail="SAFETY", created_at=now,
        finished_at=now,
    )  # fmt: skip


def of_each_kind(user: User, *, model: str = FAST) -> None:
    """A row of each kind; `model` is the one whose gate is made."""
    spend(user)
    notice(user)
    ended(user)
    ModelGate.objects.create(route="enterprise", model=model)
    ApiKey.objects.create(user=user, name="laptop")
    EmailAddress.objects.create(user=user, email=user.email)
    Group.objects.create(name=f"clerks of {user}")
    spending.resume(actor=user, reason="test", at=timezone.now())
    spending.pause(actor=user, reason="test", at=timezone.now())
    signup.switch(to=False, actor=user, reason="test", at=timezone.now())
    checkups.run(now=timezone.now)
