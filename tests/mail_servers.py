"""Mail servers: one that takes mail over SMTP, and some that give trouble."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage as Parsed
from smtplib import SMTPServerDisconnected
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

VERBS_WITH_OTHER_ANSWERS = {b"DATA": b"354 go on", b"QUIT": b"221 bye"}


class Smtp(ThreadingTCPServer):
    """Takes every mail and keeps it as it came over the wire."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.raw: list[bytes] = []

    @property
    def mails(self) -> list[Parsed]:
        """What has come, as a mail program reads it."""
        return [message_from_bytes(raw, policy=policy.default) for raw in self.raw]


class Conversation(StreamRequestHandler):
    """One client's connection."""

    server: Smtp

    def handle(self) -> None:
        self._say(b"220 ready")
        for line in self.rfile:
            verb = line.split()[0].upper()
            self._say(VERBS_WITH_OTHER_ANSWERS.get(verb, b"250 fine"))
            if verb == b"DATA":
                self.server.raw.append(b"".join(iter(self.rfile.readline, b".\r\n")))
                self._say(b"250 kept")

    def _say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")


@contextmanager
def smtp() -> Iterator[Smtp]:
    """A mail server on loopback."""
    with Smtp() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def part(mail: Parsed, kind: str) -> str:
    """The text of a mail: its `plain` or its `html` one."""
    body = mail.get_body(preferencelist=(kind,))
    assert body is not None
    return str(body.get_content())


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
