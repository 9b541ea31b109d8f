"""The frame of the staff pages: what the sidebar lists, and what the first page says."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import signup
from generation import gates, unsettled
from metering import backlog, checkups, queries, spending

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

# What django-unfold says in English only: named here, so that our catalog says it in Korean.
FRAME = (
    _("Apply Filters"), _("Dark"), _("Date"), _("False"), _("General"), _("Go back"), _("Light"),
    _("More actions"), _("Next"), _("No results found"), _("Previous"), _("Reset filters"),
    _("Run"), _("Select action"), _("Select action to run"), _("Select all rows"),
    _("Select record"), _("Select value"), _("System"),
    _("This page yielded into no results. Create a new item or reset your filters."),
    _("Toggle password visibility"), _("True"), _("Type to search"),
    _(
        "Raw passwords are not stored, so there is no way to see this user’s password, but you can"
        ' change the password using <a href="{}" class="text-primary-600 dark:text-primary-500">'
        "this form</a>."
    ),
    _("After you've created a user, you’ll be able to edit more user options."),
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
    """The first page: what waits for a person, then how everything stands."""
    at = timezone.now()
    cards = []
    if _visible(request, "metering_hold"):
        cards += [_spend_card(at), _held_card()]
    if _visible(request, "generation_modelgate"):
        cards.append(_gates_card())
    if _visible(request, "metering_spendingbrake"):
        cards.append(_brake_card(at))
    if _visible(request, "accounts_signupswitch"):
        cards.append(_signup_card())
    if _visible(request, "metering_ledgercheck"):
        cards.append(_check_card(at))
    return {
        **context,
        "waiting": list(_waiting(request, at)) if _may_settle(request) else None,
        "cards": cards,
        "app_list": _grouped(context["app_list"]),
    }


def _may_settle(request: HttpRequest) -> bool:
    return _visible(request, "generation_short") or _visible(request, "metering_hold")


def _waiting(request: HttpRequest, at: datetime) -> Iterator[dict[str, Any]]:
    """What does not go on without somebody, or should not be there for long: what, how many, since
    when, and where. Normally nothing."""
    if _visible(request, "generation_short"):
        for kind, (number, since) in unsettled.waiting(at=at).items():
            link = unsettled.queue(kind)
            yield {"what": kind.label, "number": number, "since": since, "link": link}
    if _visible(request, "metering_hold"):
        number, oldest = backlog.waiting()
        link = f"{reverse('admin:metering_hold_changelist')}?state__exact=due"
        if number:
            what = _("charge that is late, and is tried again by itself")
            yield {"what": what, "number": number, "since": oldest, "link": link}


def _grouped(apps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Django's list of pages in the groups of the sidebar."""
    known = {
        f"{app['app_label']}_{model['object_name'].lower()}": model
        for app in apps
        for model in app["models"]
    }
    groups = [
        {
            "name": title,
            "models": [
                {**known[name], "name": text} for name, _icon, text in pages if name in known
            ],
        }
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


def _spend_card(at: datetime) -> dict[str, Any]:
    """Today's dollars, and the brake that they lead to."""
    spent = queries.spend_usd(at=at)
    limit: Decimal | None = settings.DAILY_SPEND_LIMIT_USD
    text: Any = _("What the provider bills for today's charges and live holds. There is no limit.")
    if limit is not None:
        text = _("Of a daily limit of $%(limit)s.") % {"limit": _dollars(limit)}
    return {
        "title": _("Spent today"),
        "figure": f"${_dollars(spent)}",
        "text": text,
        "share": min(int(spent * 100 / limit), 100) if limit else None,
        "link": reverse("admin:metering_dailyusage_changelist"),
        "alarm": limit is not None and spent >= limit,
    }


def _dollars(usd: Decimal) -> str:
    return formats.number_format(usd, decimal_pos=2, force_grouping=True)


def _held_card() -> dict[str, Any]:
    """Open holds of all users; the list begins with the oldest."""
    jobs, tokens, oldest = queries.held_now()
    text: Any = _("Nothing is set aside.")
    if oldest is not None:
        text = ngettext(
            "Tokens for %(jobs)s job under way; the oldest since %(since)s",
            "Tokens for %(jobs)s jobs under way; the oldest since %(since)s",
            jobs,
        ) % {"jobs": jobs, "since": _moment(oldest)}
    return {
        "title": _("Held now"),
        "figure": intcomma(tokens),
        "text": text,
        "link": f"{reverse('admin:metering_hold_changelist')}?live=any",
        "alarm": False,
    }


def _moment(at: datetime) -> str:
    return formats.date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")


def _gates_card() -> dict[str, Any]:
    closed = len(gates.closed_models())
    return {
        "title": _("Closed models"),
        "figure": str(closed),
        "text": _("Models that take no new jobs until staff reopen them."),
        "link": reverse("admin:generation_modelgate_changelist"),
        "alarm": closed > 0,
    }


def _check_card(at: datetime) -> dict[str, Any]:
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
    late = checkups.is_overdue(check, at=at)
    text = _("Overdue: last run %(time)s.") if late else _("Last run %(time)s.")
    return {
        **card,
        "figure": figure,
        "text": text % {"time": _moment(check.finished_at)},
        "alarm": late or not check.ok,
    }


def _brake_card(at: datetime) -> dict[str, Any]:
    paused = spending.paused(at=at)
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
