"""manage.py remove_second_factor EMAIL --reason R"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import second_factor
from accounts.models import User


class Command(BaseCommand):
    help = "Remove the second factor of a user who has lost it, and log them out everywhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--reason", required=True, help="kept in the log")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError(f"There is no user with the e-mail address {options['email']}.")
        second_factor.remove(user=user, actor=None, reason=options["reason"])
        self.stdout.write(f"{user} logs in with the password alone now.")
