"""What a local stack needs in its database: the tables, and people to try it with.

    python -m shortsproject.local.prepare stack URL     migrate; demo user and staff in demo.json
    python -m shortsproject.local.prepare fresh-user    print a new user's API key

Passwords are random and stay the same as long as the data live: demo.json keeps them.
"""

import io
import json
import secrets
import sys
from pathlib import Path
from typing import Any

from shortsproject.local import files
from shortsproject.startup import REFUSAL, configure, first_line

DEMO_EMAIL = "demo@example.com"
STAFF_EMAIL = "staff@example.com"


def main(arguments: list[str]) -> None:
    configure()
    import django

    django.setup()
    if arguments == ["fresh-user"]:
        print(fresh_user())
    else:
        prepare_stack(arguments[1])


def prepare_stack(url: str) -> None:
    """Migrate, and write who can log in to LOCAL_DIR/demo.json. Exits where no database answers."""
    from django.conf import settings
    from django.core.management import call_command
    from django.db import OperationalError

    try:
        call_command("migrate", interactive=False)
    except OperationalError as error:
        sys.exit(f"{REFUSAL}{first_line(error)}")
    path = Path(settings.LOCAL_DIR) / "demo.json"
    known = json.loads(files.read(path) or "{}")
    people = {
        "url": url,
        "user": DEMO_EMAIL,
        "password": ensure_user(DEMO_EMAIL, known.get("password")),
        "api_key": ensure_api_key(DEMO_EMAIL, known.get("api_key")),
        "staff_user": STAFF_EMAIL,
        "staff_password": ensure_user(STAFF_EMAIL, known.get("staff_password"), is_staff=True),
    }
    files.write_private(path, json.dumps(people, indent=2) + "\n")


def fresh_user() -> str:
    """A user nobody has used yet. Returns an API key."""
    email = f"demo-{secrets.token_hex(4)}@example.com"
    ensure_user(email, None)
    return ensure_api_key(email, None)


def ensure_user(email: str, password: str | None, *, is_staff: bool = False) -> str:
    """Have a user who can log in with the password. Returns it, or the new one if it was wrong."""
    from django.contrib.auth import get_user_model

    users: Any = get_user_model().objects
    user = users.filter(email=email).first()
    if user and password and user.check_password(password):
        return password
    password = secrets.token_urlsafe(12)
    if user:
        user.set_password(password)
        user.save(update_fields=["password"])
    else:
        user = users.create_user(
            email=email, password=password, is_staff=is_staff, is_superuser=is_staff
        )
    confirm_address(user)
    return password


def confirm_address(user: Any) -> None:
    """Nobody reads the mail of example.com: the address counts as confirmed."""
    from allauth.account.models import EmailAddress

    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"verified": True, "primary": True}
    )


def ensure_api_key(email: str, key: str | None) -> str:
    """The key if it still works, else a new one."""
    from django.core.management import call_command
    from knox.crypto import hash_token

    from accounts.models import ApiKey

    if key and ApiKey.objects.filter(user__email=email, digest=hash_token(key)).exists():
        return key
    output = io.StringIO()
    call_command("create_api_key", email, name="demo", stdout=output)
    return output.getvalue().strip()


if __name__ == "__main__":
    main(sys.argv[1:])
