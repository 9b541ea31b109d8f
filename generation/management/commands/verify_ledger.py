"""manage.py verify_ledger"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from generation import audit as generation_audit
from metering import audit


class Command(BaseCommand):
    help = "Prove the ledger from one snapshot; exit status 1 and the rows that differ if it fails."

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = 0
        with audit.snapshot():
            size = audit.size()
            self.stdout.write(
                f"{size.users} users, {size.entries} entries, {size.holds} holds,"
                f" {size.due_holds} waiting for their charge"
            )
            for finding in audit.findings(extra=generation_audit.INVARIANTS):
                wrong += 1
                self.stdout.write(f"{finding.invariant}: user {finding.user_id}: {finding.detail}")
        if wrong:
            raise CommandError(f"The ledger is wrong in {wrong} places.")
        self.stdout.write("ledger verified")
