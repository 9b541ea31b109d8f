"""The frame of the staff pages: what the sidebar lists, and what the first page says."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext_lazy as _

from accounts import signup
from generation import gates, unsettled
from metering import backlog, checkups, queries, rates, spending

# Title of a group; then address name, icon and title of each of its pages.
GROUPS = (
    (_("Ledgers"), (
        ("metering_tokenledger", "account_balance_wallet", _("Token ledgers")),
        ("metering_ledgerentry", "receipt_long", _("Ledger entries")),
        ("metering_hold", "lock_clock", _("Holds")),
        ("metering_usageevent", "data_usage", _("Usage events")),
        ("metering_dailyusage", "calendar_month", _("Daily usage")),
        ("metering_notice", "notifications", _("Notices")),
        ("metering_ledgercheck", "fact_check", _("Ledger checks")),
        ("metering_spendingbrake", "front_hand", _("Spending brakes")),
    )),
    (_("Pricing"), (
        ("metering_ratecard", "sell", _("Rate cards")),
        ("metering_conversionrate", "currency_exchange", _("Conversion rates")),
    )),
    (_("Shorts"), (
        ("generation_short", "movie", _("Shorts")),
        ("generation_modelgate", "door_front", _("Model gates")),
    )),
    (_("People"), (
        ("accounts_user", "person", _("Users")),
        ("accounts_apikey", "key", _("API keys")),
        ("account_emailaddress", "mail", _("E-mail addresses")),
        ("auth_group", "group", _("Groups")),
        ("accounts_signupswitch", "how_to_reg", _("Sign-up")),
    )),
)  # fmt: skip


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar: only what this person may see, with the charge backlog on the holds and
    what staff must settle on the shorts."""
    groups = [
        {"title": title, "items": [_item(page) for page in pages if _visible(request, page[0])]}
        for title, pages in GROUPS
    ]
    return [group for group in groups if group["items"]]


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The first page, with the figures that staff should look at."""
    cards = []
    if _visible(request, "metering_hold"):
        cards += [_backlog_card(), _spend_card()]
    if _visible(request, "generation_short"):
        cards.append(_unsettled_card())
    if _visible(request, "generation_modelgate"):
        cards.append(_gates_card())
    if _visible(request, "metering_spendingbrake"):
        cards.append(_brake_card())
    if _visible(request, "accounts_signupswitch"):
        cards.append(_signup_card())
    if _visible(request, "metering_ledgercheck"):
        cards.append(_check_card())
    return {**context, "cards": cards, "app_list": _grouped(context["app_list"])}


def _grouped(apps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Django's list of pages in the groups of the sidebar."""
    known = {
        f"{app['app_label']}_{model['object_name'].lower()}": model
        for app in apps
        for model in app["models"]
    }
    groups = [
        {"name": title, "models": [known[page[0]] for page in pages if page[0] in known]}
        for title, pages in GROUPS
    ]
    return [{**group, "app_url": "#"} for group in groups if group["models"]]


def _item(page: tuple[str, str, Any]) -> dict[str, Any]:
    name, icon, title = page
    item = {"title": title, "icon": icon, "link": reverse(f"admin:{name}_changelist")}
    waiting = 0
    if name == "metering_hold":
        waiting = backlog.size()
    elif name == "generation_short":
        waiting = unsettled.total(at=timezone.now())
    return {**item, "badge": waiting, "badge_variant": "warning"} if waiting else item


def _visible(request: HttpRequest, name: str) -> bool:
    app, _underscore, model = name.partition("_")
    rights = (f"{app}.view_{model}", f"{app}.change_{model}")
    return any(request.user.has_perm(right) for right in rights)


def _backlog_card() -> dict[str, Any]:
    waiting = backlog.size()
    return {
        "title": _("Charges that wait"),
        "figure": str(waiting),
        "text": _("Normally 0. Each is a hold that is due and will be charged by itself."),
        "link": f"{reverse('admin:metering_hold_changelist')}?state__exact=due",
        "alarm": waiting > 0,
    }


def _spend_card() -> dict[str, Any]:
    spent = queries.spend_usd(at=timezone.now())
    limit: Decimal | None = settings.DAILY_SPEND_LIMIT_USD
    text: Any = _("What the provider bills for today's charges and live holds.")
    if limit is not None:
        text = _("Of a daily limit of $%(limit)s.") % {"limit": rates.usd_text(limit)}
    return {
        "title": _("Spent today"),
        "figure": f"${rates.usd_text(spent.quantize(rates.CENT))}",
        "text": text,
        "link": reverse("admin:metering_dailyusage_changelist"),
        "alarm": limit is not None and spent >= limit,
    }


def _unsettled_card() -> dict[str, Any]:
    counts = unsettled.counts(at=timezone.now())
    number = sum(counts.values())
    found = ", ".join(f"{kind.label}: {count}" for kind, count in counts.items() if count)
    return {
        "title": _("Shorts that need a person"),
        "figure": str(number),
        "text": found or _("Unknown submits, renders without an end, lost videos. Normally 0."),
        "link": unsettled.queue(),
        "alarm": number > 0,
    }


def _gates_card() -> dict[str, Any]:
    closed = len(gates.closed_models())
    return {
        "title": _("Closed models"),
        "figure": str(closed),
        "text": _("Models that take no new jobs until staff reopen them."),
        "link": reverse("admin:generation_modelgate_changelist"),
        "alarm": closed > 0,
    }


def _check_card() -> dict[str, Any]:
    check = checkups.last()
    card = {
        "title": _("Ledger check"),
        "figure": _("not yet"),
        "text": _("The whole ledger is proved every night."),
        "link": reverse("admin:metering_ledgercheck_changelist"),
        "alarm": False,
    }
    if check is None:
        return card
    figure: Any = _("verified")
    if not check.ok:
        figure = _("wrong in %(count)s places") % {"count": check.findings}
    late = checkups.is_overdue(check, at=timezone.now())
    moment = formats.date_format(timezone.localtime(check.finished_at), "SHORT_DATETIME_FORMAT")
    text = _("Overdue: last run %(time)s.") if late else _("Last run %(time)s.")
    return {
        **card, "figure": figure, "text": text % {"time": moment}, "alarm": late or not check.ok,
    }  # fmt: skip


def _brake_card() -> dict[str, Any]:
    paused = spending.paused(at=timezone.now())
    return {
        "title": _("New videos"),
        "figure": _("paused") if paused else _("open"),
        "text": paused.reason if paused else _("Staff can pause all new spending here."),
        "link": reverse("admin:metering_spendingbrake_changelist"),
        "alarm": paused is not None,
    }


def _signup_card() -> dict[str, Any]:
    return {
        "title": _("Sign-up"),
        "figure": _("open") if signup.is_open() else _("closed"),
        "text": _("Whether strangers may make an account. Staff can switch it here."),
        "link": reverse("admin:accounts_signupswitch_changelist"),
        "alarm": False,
    }
