"""manage.py create_api_key EMAIL --name N"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import ApiKey, User


class Command(BaseCommand):
    help = "Make an API key for a user and print it. It is not stored, so it can't be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", required=True, help="what the key is for")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError(f"There is no user with the e-mail address {options['email']}.")
        name = options["name"].strip()[:100]
        if not name:
            raise CommandError("--name says what the key is for.")
        _, key = ApiKey.objects.create(user=user, name=name)
        self.stdout.write(key)
