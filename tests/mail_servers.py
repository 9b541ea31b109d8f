"""Mail servers that give trouble."""

from collections.abc import Sequence
from smtplib import SMTPServerDisconnected

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class Away(BaseEmailBackend):
    """Takes no connections."""

    def open(self) -> bool:
        raise ConnectionRefusedError("nobody is listening")

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        raise AssertionError("nothing is sent without a connection")


class HangsUp(BaseEmailBackend):
    """Takes a connection and ends it when a mail comes."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        raise SMTPServerDisconnected("gone")
