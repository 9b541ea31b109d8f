"""Logs: one line a record, raw UTF-8, for people with DEBUG and as JSON without."""

from typing import Any

import structlog

PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
LEVELS = {
    "django": {"handlers": [], "level": "INFO", "propagate": True},
    "django.server": {"handlers": [], "level": "INFO", "propagate": True},
    "httpx2": {"level": "WARNING"},
    "google_genai": {"level": "WARNING"},
    "celery.worker.strategy": {"level": "WARNING"},
    "celery.app.trace": {"level": "WARNING"},
    "celery.beat": {"level": "WARNING"},
}


def configured(*, debug: bool) -> dict[str, Any]:
    """Set structlog up; returns Django's LOGGING, through which all records go."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *PROCESSORS,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    structured = {
        "()": "structlog.stdlib.ProcessorFormatter",
        "foreign_pre_chain": PROCESSORS,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *(_for_people() if debug else _for_programs()),
        ],
    }
    stdout = {
        "class": "logging.StreamHandler",
        "formatter": "structured",
        "stream": "ext://sys.stdout",
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"structured": structured},
        "handlers": {"stdout": stdout},
        "root": {"handlers": ["stdout"], "level": "INFO"},
        "loggers": LEVELS,
    }


def _for_people() -> list[Any]:
    return [
        structlog.dev.ConsoleRenderer(
            colors=False,
            pad_event_to=0,
            pad_level=False,
            # The richer default prints local variables, and with them keys and pictures.
            exception_formatter=structlog.dev.plain_traceback,
        )
    ]


def _for_programs() -> list[Any]:
    return [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
