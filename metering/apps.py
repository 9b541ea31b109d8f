from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_save
from django.utils.translation import gettext_lazy as _


class MeteringConfig(AppConfig):
    name = "metering"
    verbose_name = _("Metering")

    def ready(self) -> None:
        post_save.connect(
            make_ledger, sender=settings.AUTH_USER_MODEL, dispatch_uid="metering.make_ledger"
        )


def make_ledger(*, instance: Any, created: bool, raw: bool = False, **kwargs: Any) -> None:
    """Each new user gets a ledger with the default limit, in the same transaction."""
    if not created or raw:
        return
    from django.utils import timezone

    from metering import ledger

    ledger.open_ledger(user=instance, at=timezone.now())
