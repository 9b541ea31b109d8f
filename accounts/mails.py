"""Mails from templates: a subject is one line, and staff read each in their own language."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string
from django.utils import translation

from accounts.models import User


def subject(template: str, shown: Mapping[str, Any]) -> str:
    """The subject of a mail, whatever the line ends of its template are."""
    return " ".join(render_to_string(f"mails/{template}_subject.txt", dict(shown)).split())


def to_staff(
    *, template: str, shown: Mapping[str, Any], connection: BaseEmailBackend | None = None
) -> None:
    """Send `mails/<template>.txt` to all of STAFF_EMAILS, in one mail for each language.

    Who has no account, or chose no language, gets the operator's. Raises OSError.
    """
    (connection or mail.get_connection()).send_messages(
        [
            _mail(template=template, shown=shown, language=language, to=addresses)
            for language, addresses in _staff_by_language().items()
        ]
    )


def _mail(
    *, template: str, shown: Mapping[str, Any], language: str, to: list[str]
) -> mail.EmailMessage:
    with translation.override(language):
        return mail.EmailMessage(
            subject=subject(template, shown),
            body=render_to_string(f"mails/{template}.txt", dict(shown)),
            to=to,
        )


def _staff_by_language() -> dict[str, list[str]]:
    known = User.objects.filter(email__in=[address.lower() for address in settings.STAFF_EMAILS])
    chosen = dict(known.exclude(language="").values_list("email", "language"))
    found: dict[str, list[str]] = defaultdict(list)
    for address in settings.STAFF_EMAILS:
        found[chosen.get(address.lower(), settings.LANGUAGE_CODE)].append(address)
    return found
