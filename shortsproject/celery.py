"""The Celery app and its schedule.

Celery only rings the bell: what is to be done next, and when, stands in PostgreSQL. So there is
no result backend, no long countdown in the broker, and a message may be lost or come twice.
"""

import os
import sys
from pathlib import Path

from celery import Celery, signals
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shortsproject.settings")

app = Celery("shorts")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

app.conf.beat_schedule = {
    "ring for due shorts": {"task": "generation.ring_due", "schedule": 1.0},
    "send notices": {"task": "metering.send_notices", "schedule": 15.0},
    "charge the backlog": {"task": "metering.charge_backlog", "schedule": 10.0},
    "tell staff of shorts that need a person": {"task": "generation.tell_staff", "schedule": 60.0},
    "finish closing accounts": {
        "task": "generation.go_on_leaving",
        "schedule": crontab(minute="7"),
    },
    # In UTC; late in the night of Seoul.
    "remove orphan files": {
        "task": "generation.remove_orphans",
        "schedule": crontab(hour="17", minute="30"),
    },
    "verify the ledger": {
        "task": "generation.verify_ledger",
        "schedule": crontab(hour="18", minute="30"),
    },
}


@signals.setup_logging.connect
def keep_django_logging(**kwargs: object) -> None:
    """Celery's own log set-up would replace the structured one of the settings."""
    import logging.config

    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)


# True for `celery …` and for `python -m celery …`.
if "celery" in Path(sys.argv[0]).parts:
    from shortsproject.startup import configure

    configure()
