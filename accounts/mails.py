"""Mails from templates, each in the language of who reads it; a subject is one line."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string
from django.utils import timezone, translation

from accounts.models import User


@dataclass(frozen=True)
class Reader:
    """Who gets a mail, and in what language and time zone they read."""

    address: str
    language: str
    time_zone: str


def reader(*, user: User | None, address: str = "", otherwise: str = "") -> Reader:
    """A user at an address, which is their log-in unless another one is named.

    Who chose no language, or is not known, reads `otherwise`, or the operator's.
    """
    language, zone = (user.language, user.time_zone) if user else ("", "")
    return Reader(
        address=address or (user.email if user else ""),
        language=language or otherwise or settings.LANGUAGE_CODE,
        time_zone=zone or settings.QUOTA_TIME_ZONE,
    )


@contextmanager
def words_of(reader: Reader) -> Iterator[None]:
    """What is said meanwhile is in the language and time zone of a reader."""
    zone = ZoneInfo(reader.time_zone)
    with translation.override(reader.language), timezone.override(zone):
        yield


def to_reader(
    *,
    template: str,
    shown: Mapping[str, Any],
    reader: Reader,
    headers: Mapping[str, str] | None = None,
    connection: BaseEmailBackend | None = None,
) -> mail.EmailMultiAlternatives:
    """The mail of `mails/<template>.txt` and `.html`, yet to be sent; programs do not answer it."""
    known = {**shown, "zone": reader.time_zone, "contact": settings.CONTACT_EMAIL}
    with words_of(reader):
        message = mail.EmailMultiAlternatives(
            subject=_subject(template, known),
            body=render_to_string(f"mails/{template}.txt", known),
            to=[reader.address],
            headers={"Auto-Submitted": "auto-generated", **(headers or {})},
            connection=connection,
        )
        message.attach_alternative(render_to_string(f"mails/{template}.html", known), "text/html")
    return message


def to_staff(
    *, template: str, shown: Mapping[str, Any], connection: BaseEmailBackend | None = None
) -> None:
    """Send `mails/<template>.txt` to all of STAFF_EMAILS, in one mail for each language.

    Who has no account, or chose no language, gets the operator's. Raises OSError.
    """
    (connection or mail.get_connection()).send_messages(
        [
            _staff_mail(template=template, shown=shown, language=language, to=addresses)
            for language, addresses in _staff_by_language().items()
        ]
    )


def _staff_mail(
    *, template: str, shown: Mapping[str, Any], language: str, to: list[str]
) -> mail.EmailMessage:
    with translation.override(language):
        return mail.EmailMessage(
            subject=_subject(template, shown),
            body=render_to_string(f"mails/{template}.txt", dict(shown)),
            to=to,
        )


def _subject(template: str, shown: Mapping[str, Any]) -> str:
    """One line, whatever the line ends of its template are."""
    return " ".join(render_to_string(f"mails/{template}_subject.txt", dict(shown)).split())


def _staff_by_language() -> dict[str, list[str]]:
    known = User.objects.filter(email__in=[address.lower() for address in settings.STAFF_EMAILS])
    chosen = dict(known.exclude(language="").values_list("email", "language"))
    found: dict[str, list[str]] = defaultdict(list)
    for address in settings.STAFF_EMAILS:
        found[chosen.get(address.lower(), settings.LANGUAGE_CODE)].append(address)
    return found
