"""What `make screenshots` takes pictures of: every page of the site, by who looks at it.

A path may name what `cast.py` made, in braces. Some pages only come after an act.
"""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

PASSWORD = "correct horse battery"
STRANGER = ""
OWNER, NEWCOMER, UNLUCKY, STAFF = (
    "mina@example.org", "jun@example.org", "sam@example.org", "staff@example.org",
)  # fmt: skip
# Shorts that did not become a video, or wait for something (`plights.py`).
PLIGHTS = (
    "in-line", "canceling", "canceled", "blocked", "no-prompt", "unanswered", "refused", "closed",
    "filtered", "failed", "lost", "rejected", "unknown", "overdue", "unsettled",
)  # fmt: skip


@dataclass(frozen=True)
class Sight:
    """One page. `act`: what is done there before the picture."""

    name: str
    path: str
    act: Callable[[Page], None] | None = None


def log_in(page: Page, email: str) -> None:
    """Fill in the log-in page, which is open, and send it."""
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", PASSWORD)
    send(page)


def _give_staff_password(page: Page) -> None:
    log_in(page, STAFF)


def _prove(page: Page) -> None:
    """Give the password once more, which some pages ask for even after a log-in."""
    page.fill("main input[name=password]", PASSWORD)
    send(page)


def _make_key(page: Page) -> None:
    # A name of its own in each language: somebody's keys are told apart by it.
    page.fill("main input[name=name]", f"laptop {page.evaluate('navigator.language')}")
    send(page)


def _send_old_form(page: Page) -> None:
    page.evaluate("document.querySelector('main [name=csrfmiddlewaretoken]').remove()")
    send(page)


def send(page: Page) -> None:
    """Press the main button of the form on a page, and wait for the answer."""
    with page.expect_navigation():
        page.locator("main form button.button").first.click()


SIGHTS = {
    STRANGER: (
        Sight("landing", "/"),
        Sight("log-in", "/accounts/login/"),
        Sight("log-in-second-factor", "/accounts/login/", _give_staff_password),
        Sight("sign-up", "/accounts/signup/"),
        Sight("password-reset", "/accounts/password/reset/"),
    ),
    OWNER: (
        Sight("studio", "/"),
        Sight("history", "/shorts"),
        Sight("usage", "/usage"),
        Sight("short-ready", "/shorts/{ready}"),
        Sight("short-tall", "/shorts/{tall}"),
        Sight("short-rendering", "/shorts/{rendering}"),
        Sight("delete-one", "/shorts/{ready}/delete"),
        Sight("delete-several", "/shorts/delete?id={ready}&id={tall}&id={rendering}"),
        Sight("account", "/account"),
        Sight("account-keys", "/account/keys"),
        Sight("account-key-revoke", "/account/keys/{key}/revoke"),
        Sight("account-preferences", "/account/preferences"),
        Sight("account-notices", "/accounts/notices/"),
        Sight("account-e-mail", "/accounts/email/"),
        Sight("account-password", "/accounts/password/change/"),
        Sight("account-second-factor", "/accounts/2fa/"),
        Sight("account-prove", "/accounts/2fa/totp/activate/"),
        Sight("account-second-factor-set-up", "/accounts/2fa/totp/activate/", _prove),
        Sight("account-sessions", "/accounts/sessions/"),
        Sight("account-close", "/account/close"),
        Sight("error-403", "/forbidden"),
        Sight("error-403-form", "/accounts/notices/", _send_old_form),
        Sight("error-404", "/nothing-here"),
        Sight("error-429", "/too-often"),
        Sight("error-500", "/mistaken"),
        Sight("error-503", "/cut-off"),
    ),
    NEWCOMER: (
        Sight("empty-studio", "/"),
        Sight("empty-history", "/shorts"),
        Sight("empty-usage", "/usage"),
        Sight("empty-keys", "/account/keys"),
        Sight("empty-notices", "/accounts/notices/"),
    ),
    UNLUCKY: (
        Sight("account-key-new", "/account/keys", _make_key),
        *(Sight(f"short-{name}", f"/shorts/{{{name}}}") for name in PLIGHTS),
    ),
    STAFF: (
        Sight("account-second-factor-on", "/accounts/2fa/"),
        Sight("account-recovery-codes", "/accounts/2fa/recovery-codes/", _prove),
        Sight("admin", "/admin/"),
        Sight("admin-ledgers", "/admin/metering/tokenledger/"),
    ),
}
MAILS = ("mail-notice", "mail-letter")
NAMES = (*(sight.name for sights in SIGHTS.values() for sight in sights), *MAILS)
