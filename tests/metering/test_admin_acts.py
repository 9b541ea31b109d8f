"""Staff act on ledgers, charges and due holds: a form, a reason, one entry, and nothing twice."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from metering import ledger, queries
from metering.models import Hold, LedgerEntry
from tests.metering.staff_work import LEDGERS, allow, entries_of, ledger_of, signed_in, spend
from tests.metering.statements import content, csv_rows, json_total

ENTRIES = "/admin/metering/ledgerentry/"
HOLDS = "/admin/metering/hold/"
ACTS = ("grant", "adjust", "suspend", "resume", "period")
BUTTONS = ("Grant tokens", "Adjust usage", "Suspend", "Change period", "Export entries")


@pytest.fixture
def desk(staff: User) -> Client:
    return signed_in(staff)


def ledger_page(user: User, act: str) -> str:
    return f"{LEDGERS}{user.pk}/{act}/"


def refund_page(user: User) -> str:
    """Of the user's newest charge."""
    charge = LedgerEntry.objects.filter(user=user, kind="charge").latest("seq")
    return f"{ENTRIES}{charge.pk}/refund/"


def write_off_page(user: User) -> str:
    return f"{HOLDS}{Hold.objects.get(user=user).pk}/write-off/"


def filled(page: Any, **values: str) -> dict[str, Any]:
    """What a browser sends for a form that was shown and filled in."""
    form = page.context["form"]
    shown = {field.name: field.value() for field in form if field.value() is not None}
    return {**shown, "reason": "a good one", **values}


def send(desk: Client, url: str, **values: str) -> str:
    """Open a form, fill it in, send it; the page that follows."""
    return desk.post(url, filled(desk.get(url), **values), follow=True).content.decode()


def test_a_grant_is_one_entry_with_who_and_why(desk: Client, staff: User, alice: User) -> None:
    said = send(desk, ledger_page(alice, "grant"), tokens="500")

    (entry,) = entries_of(alice)
    assert "alice@example.org, entry 1: grant, 500 tokens. a good one" in said
    assert (entry.kind, entry.limit_delta, entry.actor) == ("grant", 500, staff)
    assert (entry.reason, ledger_of(alice).granted) == ("a good one", 500)


@pytest.mark.parametrize(("tokens", "used"), [("-400", 600), ("400", 1400)])
def test_a_correction_is_one_entry(desk: Client, alice: User, tokens: str, used: int) -> None:
    spend(alice)

    send(desk, ledger_page(alice, "adjust"), tokens=tokens)

    assert ledger_of(alice).used == used
    assert (entries_of(alice)[1].kind, entries_of(alice)[1].tokens) == ("adjustment", int(tokens))


def test_a_suspension_is_made_and_lifted(desk: Client, alice: User) -> None:
    send(desk, ledger_page(alice, "suspend"))
    was = ledger_of(alice).suspended
    send(desk, ledger_page(alice, "resume"))

    assert (was, ledger_of(alice).suspended) == (True, False)
    assert [entry.kind for entry in entries_of(alice)] == ["suspension"] * 2


def test_the_period_is_changed(desk: Client, alice: User) -> None:
    send(desk, ledger_page(alice, "period"), period="week")

    assert ledger_of(alice).period == "week"
    assert entries_of(alice)[0].reason == "a good one [period: month → week]"


def test_a_refund_is_prefilled_with_what_is_left(desk: Client, staff: User, alice: User) -> None:
    spend(alice)
    send(desk, refund_page(alice), tokens="600")

    page = desk.get(refund_page(alice))

    assert page.context["form"].initial["tokens"] == 400
    assert "1,000 tokens charged, 400 can still be refunded." in page.content.decode()
    assert ledger_of(alice).used == 400
    assert (entries_of(alice)[1].tokens, entries_of(alice)[1].actor) == (-600, staff)


def test_giving_back_more_than_is_left_is_refused_on_the_form(desk: Client, alice: User) -> None:
    spend(alice)
    send(desk, refund_page(alice), tokens="600")

    page = send(desk, refund_page(alice), tokens="600")

    assert "At most 400 tokens of this charge can still be refunded." in page
    assert (ledger_of(alice).used, len(entries_of(alice))) == (400, 2)


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"tokens": "0"}, "greater than or equal to 1"),
        ({"tokens": "-5"}, "greater than or equal to 1"),
        ({"tokens": ""}, "This field is required"),
        ({"tokens": "5", "reason": ""}, "Please give a reason"),
        ({"tokens": "5", "reason": "  "}, "Please give a reason"),
        ({"tokens": "5", "key": "no key"}, "This form was used for something else"),
    ],
)
def test_a_refund_that_leaves_a_doubt_is_an_error_of_the_form(
    desk: Client, alice: User, form: dict[str, str], sentence: str
) -> None:
    spend(alice)

    page = send(desk, refund_page(alice), **form)

    assert sentence in page
    assert (ledger_of(alice).used, len(entries_of(alice))) == (1000, 1)


def test_a_refund_of_a_past_period_says_so_and_offers_a_grant(desk: Client, alice: User) -> None:
    spend(alice, at=timezone.now() - timedelta(days=40))

    page = desk.get(refund_page(alice)).content.decode()

    assert "gives nothing back today" in page
    assert f"{ledger_page(alice, 'grant')}?tokens=1000" in page


def test_a_refund_of_a_past_period_leaves_this_one_alone(desk: Client, alice: User) -> None:
    spend(alice, at=timezone.now() - timedelta(days=40))
    spend(alice)
    old = entries_of(alice)[0]

    send(desk, f"{ENTRIES}{old.pk}/refund/", tokens="1000")

    refund = entries_of(alice)[2]
    assert (refund.period_start, refund.used_after) == (old.period_start, 0)
    assert queries.balance(user=alice, at=timezone.now()).used_tokens == 1000


def test_a_grant_comes_prefilled_from_a_refund(desk: Client, alice: User) -> None:
    page = desk.get(ledger_page(alice, "grant"), {"tokens": "1000"}).content.decode()

    assert 'value="1000"' in page


def test_a_due_hold_is_written_off(desk: Client, staff: User, alice: User) -> None:
    spend(alice, charged=False)

    send(desk, write_off_page(alice))

    assert (Hold.objects.get(user=alice).state, ledger_of(alice).held) == ("written_off", 0)
    assert (entries_of(alice)[0].kind, entries_of(alice)[0].actor) == ("write_off", staff)


def test_a_hold_that_was_charged_meanwhile_is_not_written_off(desk: Client, alice: User) -> None:
    spend(alice, charged=False)
    form = filled(desk.get(write_off_page(alice)))
    ledger.charge(hold=Hold.objects.get(user=alice).to_open_hold(), at=timezone.now())

    page = desk.post(write_off_page(alice), form).content.decode()

    assert "This hold was charged meanwhile" in page
    assert [entry.kind for entry in entries_of(alice)] == ["charge"]


@pytest.mark.parametrize(
    ("url", "values"),
    [
        (lambda user: ledger_page(user, "grant"), {"tokens": "5"}),
        (lambda user: ledger_page(user, "adjust"), {"tokens": "5"}),
        (lambda user: ledger_page(user, "suspend"), {}),
        (lambda user: ledger_page(user, "resume"), {}),
        (lambda user: ledger_page(user, "period"), {"period": "day"}),
        (refund_page, {"tokens": "5"}),
    ],
)
def test_a_form_sent_twice_is_one_entry(
    desk: Client, alice: User, url: Any, values: dict[str, str]
) -> None:
    spend(alice)
    form = filled(desk.get(url(alice)), **values)

    answers = [desk.post(url(alice), form) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert len(entries_of(alice)) == 2


def test_a_write_off_sent_twice_is_one_entry(desk: Client, alice: User) -> None:
    spend(alice, charged=False)
    form = filled(desk.get(write_off_page(alice)))

    answers = [desk.post(write_off_page(alice), form) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert len(entries_of(alice)) == 1


def test_a_form_changed_and_sent_again_tells_what_was_done(desk: Client, alice: User) -> None:
    form = filled(desk.get(ledger_page(alice, "grant")), tokens="5")
    desk.post(ledger_page(alice, "grant"), form)

    again = desk.post(ledger_page(alice, "grant"), {**form, "tokens": "700"}, follow=True)

    assert "entry 1: grant, 5 tokens" in again.content.decode()
    assert ledger_of(alice).granted == 5


@pytest.mark.parametrize("act", [*ACTS, "limit", "export"])
def test_who_cancels_is_back_on_the_page_of_the_ledger(desk: Client, alice: User, act: str) -> None:
    page = desk.get(ledger_page(alice, act)).content.decode()

    assert f'href="{LEDGERS}{alice.pk}/change/"' in page


def test_each_rendering_has_a_key_of_its_own(desk: Client, alice: User) -> None:
    first, second = (filled(desk.get(ledger_page(alice, "grant"))) for _ in range(2))

    assert first["key"] != second["key"]


def test_a_page_left_open_keeps_the_charge_that_came_meanwhile(desk: Client, alice: User) -> None:
    form = filled(desk.get(ledger_page(alice, "grant")), tokens="500")
    spend(alice)

    desk.post(ledger_page(alice, "grant"), form)

    assert (ledger_of(alice).used, ledger_of(alice).granted) == (1000, 500)
    assert [entry.kind for entry in entries_of(alice)] == ["charge", "grant"]


@pytest.mark.parametrize("act", ACTS)
def test_without_the_right_an_act_sent_by_hand_is_refused(alice: User, bob: User, act: str) -> None:
    clerk = signed_in(allow(bob, "view_tokenledger", "view_ledgerentry", "view_hold"))
    form = {"tokens": "5", "reason": "x", "period": "day"}

    answers = [clerk.get(ledger_page(alice, act)), clerk.post(ledger_page(alice, act), form)]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert entries_of(alice) == []


def test_without_the_right_nothing_is_refunded_or_written_off(alice: User, bob: User) -> None:
    spend(alice)
    refund = refund_page(alice)
    spend(bob, charged=False)
    clerk = signed_in(allow(bob, "view_tokenledger", "view_ledgerentry", "view_hold"))
    form = {"tokens": "5", "reason": "x"}

    answers = [clerk.post(refund, form), clerk.post(write_off_page(bob), form)]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert (len(entries_of(alice)), len(entries_of(bob))) == (1, 0)


def test_the_right_to_change_ledgers_is_enough(alice: User, bob: User) -> None:
    spend(alice)
    clerk = signed_in(allow(bob, "change_tokenledger"))

    answer = clerk.post(ledger_page(alice, "grant"), {"tokens": "5", "reason": "x"})

    assert answer.status_code == 302
    assert entries_of(alice)[1].actor == bob


def test_buttons_stand_where_they_make_sense(desk: Client, alice: User) -> None:
    spend(alice)
    spend(alice, charged=False)
    charge, hold = entries_of(alice)[0], Hold.objects.get(user=alice, state="due")
    captured = Hold.objects.get(user=alice, state="captured")
    send(desk, ledger_page(alice, "suspend"))

    pages = [
        desk.get(f"{ENTRIES}{charge.pk}/change/").content.decode(),
        desk.get(f"{ENTRIES}{entries_of(alice)[1].pk}/change/").content.decode(),
        desk.get(f"{HOLDS}{hold.pk}/change/").content.decode(),
        desk.get(f"{HOLDS}{captured.pk}/change/").content.decode(),
    ]

    assert ["/refund/" in page for page in pages[:2]] == [True, False]
    assert ["/write-off/" in page for page in pages[2:]] == [True, False]


@pytest.mark.parametrize(("act", "offered"), [("suspend", "resume"), ("resume", "suspend")])
def test_a_ledger_is_suspended_or_resumed(
    desk: Client, alice: User, act: str, offered: str
) -> None:
    send(desk, ledger_page(alice, act))

    page = desk.get(f"{LEDGERS}{alice.pk}/change/").content.decode()

    assert ledger_page(alice, offered) in page
    assert ledger_page(alice, act) not in page


def test_who_may_only_look_sees_no_buttons_but_the_export(alice: User, bob: User) -> None:
    clerk = signed_in(allow(bob, "view_tokenledger", "view_ledgerentry"))

    page = clerk.get(f"{LEDGERS}{alice.pk}/change/").content.decode()

    assert [text for text in BUTTONS if text in page] == ["Export entries"]


@pytest.mark.parametrize("act", [*ACTS, "export"])
def test_an_act_on_nobody_is_not_found(desk: Client, act: str) -> None:
    assert desk.get(f"{LEDGERS}99999999/{act}/").status_code == 404


def test_staff_get_the_file_that_the_person_gets(desk: Client, alice: User, bob: User) -> None:
    spend(alice)
    spend(bob)
    period = str(entries_of(alice)[0].period_start)
    form = {"period": period, "format": "csv"}

    answer = desk.post(ledger_page(alice, "export"), form)

    assert [row["entry_id"] for row in csv_rows(content(answer))] == [
        str(entry.pk) for entry in entries_of(alice)
    ]
    assert answer["Content-Disposition"] == f'attachment; filename="entries-{period}.csv"'


def test_staff_choose_among_the_periods_that_have_entries(desk: Client, alice: User) -> None:
    spend(alice, at=timezone.now() - timedelta(days=40))
    page = desk.get(ledger_page(alice, "export"))
    (current, _), (old, _) = page.context["form"].fields["period"].choices

    answer = desk.post(ledger_page(alice, "export"), {"period": old, "format": "jsonl"})
    refused = desk.post(ledger_page(alice, "export"), {"period": "2001-01-01", "format": "csv"})

    assert current > old == str(entries_of(alice)[0].period_start)
    assert json_total(content(answer))["rows"] == 1
    assert "Select a valid choice" in refused.content.decode()


def test_without_the_right_to_see_entries_nothing_is_exported(alice: User, bob: User) -> None:
    clerk = signed_in(allow(bob, "view_tokenledger", "change_tokenledger"))

    assert clerk.get(ledger_page(alice, "export")).status_code == 403
