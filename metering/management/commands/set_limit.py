"""manage.py set_limit EMAIL TOKENS|unlimited [--max-in-flight N] --reason R"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import User
from metering import staff


class Command(BaseCommand):
    help = "Set a user's tokens per period, or unlimited. The change is a ledger entry."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("tokens", help="tokens per period, or: unlimited")
        parser.add_argument("--max-in-flight", type=int, help="jobs under way at most")
        parser.add_argument("--reason", required=True, help="kept in the ledger")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError(f"There is no user with the e-mail address {options['email']}.")
        most = options["max_in_flight"]
        if most is not None and not 0 <= most <= 1_000_000:
            raise CommandError("--max-in-flight is a number from 0 to 1000000.")
        tokens = self._tokens(options["tokens"])
        try:
            staff.set_limit(
                user=user,
                tokens=tokens,
                max_in_flight=most,
                actor=None,
                reason=options["reason"],
                at=timezone.now(),
            )
        except staff.ReasonMissing as error:
            raise CommandError(str(error.message)) from error
        self.stdout.write(f"{user.email}: {'unlimited' if tokens is None else tokens}")

    def _tokens(self, given: str) -> int | None:
        if given == "unlimited":
            return None
        if not given.isascii() or not given.isdigit() or int(given) > 10**15:
            raise CommandError("TOKENS is a whole number from 0 on, or: unlimited")
        return int(given)
