"""manage.py verify_ledger [--user EMAIL] [--json]"""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from generation import audit as generation_audit
from metering import audit


class Command(BaseCommand):
    help = "Prove the ledger from one snapshot; exit status 1 and the rows that differ if it fails."

    def add_arguments(self, parser: CommandParser) -> None:
        """Everybody and plain text, unless told otherwise."""
        parser.add_argument("--user", metavar="EMAIL", help="prove the books of one user")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        user_id = _user_id(options["user"]) if options["user"] else None
        with audit.snapshot():
            size = audit.size(user_id=user_id)
            found = audit.findings(extra=generation_audit.INVARIANTS, user_id=user_id)
            if options["json"]:
                listed = list(found)
                wrong = len(listed)
                counts = {**asdict(size), "findings": [asdict(finding) for finding in listed]}
                self.stdout.write(json.dumps({"verified": not wrong, **counts}))
            else:
                wrong = self._print(size, found)
        if wrong:
            raise CommandError(f"The ledger is wrong in {wrong} places.")
        if not options["json"]:
            self.stdout.write("ledger verified")

    def _print(self, size: audit.Size, found: Any) -> int:
        """One line for each row that differs, as it is found; how many there were."""
        wrong = 0
        self.stdout.write(
            f"{size.users} users, {size.entries} entries, {size.holds} holds,"
            f" {size.due_holds} waiting for their charge"
        )
        for finding in found:
            wrong += 1
            self.stdout.write(f"{finding.invariant}: user {finding.user_id}: {finding.detail}")
        return wrong


def _user_id(email: str) -> int:
    user_id = User.objects.filter(email__iexact=email.strip()).values_list("pk", flat=True).first()
    if user_id is None:
        raise CommandError(f"There is no user with the e-mail address {email}.")
    return user_id
