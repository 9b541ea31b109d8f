"""Staff see what each video model has to do, and say what it may be given."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from accounts.models import User
from generation.models import ModelGate, State
from tests.generation import lining_up
from tests.generation.browsing import text
from tests.metering.staff_work import allow, signed_in

GATES = "/admin/generation/modelgate/"
MODEL = lining_up.MODEL
GATE = f"{MODEL.route}/{MODEL.name}"


@pytest.fixture
def desk(staff: User) -> Client:
    return signed_in(staff)


def test_staff_set_what_a_model_may_be_given_with_a_reason(desk: Client) -> None:
    form = {"gate": GATE, "submits_per_minute": "10", "renders_at_once": "4", "reason": "new quota"}

    answer = desk.post(f"{GATES}set-budgets/", form, follow=True)

    gate = ModelGate.objects.get()
    assert (gate.route, gate.model) == (MODEL.route, MODEL.name)
    assert (gate.submits_per_minute, gate.renders_at_once) == (10, 4)
    assert f"The budgets of {MODEL.name} are set." in text(answer)
    assert "new quota" in LogEntry.objects.get().change_message


def test_an_empty_budget_is_that_of_the_settings(desk: Client) -> None:
    lining_up.budgets(renders_at_once=4)

    desk.post(f"{GATES}set-budgets/", {"gate": GATE, "reason": "as before"})

    gate = ModelGate.objects.get()
    assert (gate.submits_per_minute, gate.renders_at_once) == (None, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": ""},
        {"renders_at_once": "0"},
        {"submits_per_minute": "-1"},
        {"renders_at_once": "99999999999"},
        {"gate": "enterprise/gemini-3.8-flash"},
    ],
)
def test_a_wrong_form_sets_nothing(desk: Client, wrong: dict[str, str]) -> None:
    form = {"gate": GATE, "renders_at_once": "4", "reason": "new quota"}

    answer = desk.post(f"{GATES}set-budgets/", form | wrong)

    assert answer.status_code == 200
    assert not ModelGate.objects.exists()


def test_the_form_of_a_gate_begins_with_what_it_has(desk: Client) -> None:
    lining_up.budgets(renders_at_once=4)
    gate = ModelGate.objects.get()

    page = desk.get(f"{GATES}{gate.pk}/budgets/", follow=True)

    assert page.context["form"].initial == {
        "gate": GATE, "submits_per_minute": None, "renders_at_once": 4,
    }  # fmt: skip


def test_list_and_page_show_what_a_model_has_to_do(desk: Client, alice: User) -> None:
    lining_up.budgets(renders_at_once=4)
    lining_up.rows(alice, 3, State.RENDERING, submitted_at=timezone.now())
    lining_up.rows(alice, 7)
    gate = ModelGate.objects.get()

    pages = [text(desk.get(address)) for address in (GATES, f"{GATES}{gate.pk}/change/")]

    assert all("3 of 4" in page and "3 of 300" in page for page in pages)
    assert "in line 7" in pages[1].lower()


def test_the_analysis_has_no_budgets(desk: Client) -> None:
    gate = ModelGate.objects.create(route="enterprise", model="gemini-3.8-flash")

    page = desk.get(f"{GATES}{gate.pk}/change/")

    assert f"{gate.pk}/budgets/" not in page.content.decode()


def test_reopening_asks_for_a_reason_and_keeps_it(desk: Client) -> None:
    gate = ModelGate.objects.create(
        route=MODEL.route, model=MODEL.name, closed_at=timezone.now(), reason="404"
    )
    chosen = {"action": "reopen", "_selected_action": [gate.pk]}
    asked = desk.post(GATES, chosen)
    gate.refresh_from_db()
    before = gate.closed_at

    desk.post(GATES, chosen | {"reason": "it is back"})

    gate.refresh_from_db()
    assert (before is not None, gate.closed_at) == (True, None)
    assert "New jobs are taken again" in text(asked)
    assert "it is back" in LogEntry.objects.get().change_message


def test_without_the_right_budgets_stay_as_they_are(bob: User) -> None:
    clerk = signed_in(allow(bob, "view_modelgate"))
    form = {"gate": GATE, "renders_at_once": "4", "reason": "mine"}

    answer = clerk.post(f"{GATES}set-budgets/", form)

    assert answer.status_code == 403
    assert not ModelGate.objects.exists()
