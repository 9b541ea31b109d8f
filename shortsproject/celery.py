"""The Celery app and its schedule.

Celery only rings the bell: what is to be done next, and when, stands in PostgreSQL. So there is
no result backend, no long countdown in the broker, and a message may be lost or come twice.
"""

import os
import sys

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shortsproject.settings")

app = Celery("shorts")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

app.conf.beat_schedule = {
    "ring for due shorts": {"task": "generation.ring_due", "schedule": 1.0},
    "charge the backlog": {"task": "metering.charge_backlog", "schedule": 10.0},
}


@signals.setup_logging.connect
def keep_django_logging(**kwargs: object) -> None:
    """Celery's own log set-up would replace the structured one of the settings."""
    import logging.config

    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)


if os.path.basename(sys.argv[0]) == "celery":
    from shortsproject.startup import configure

    configure()
