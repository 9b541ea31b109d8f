"""The schema goes back to nothing and comes again, and its rules have names."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models
from django.db.models import CheckConstraint, UniqueConstraint
from django.utils import timezone

from accounts.models import User
from metering import queries
from metering.models import ConversionRate, RateCard
from tests import factories

pytestmark = pytest.mark.django_db

MODELS = list(apps.get_app_config("metering").get_models())
# What the field itself says: one rate per instant.
UNIQUE_FIELDS = {(ConversionRate, "effective_from")}


def names(sql: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return {name for (name,) in cursor.fetchall()}


def migrate(target: str = "") -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    call_command("migrate", "metering", *filter(None, [target]), verbosity=0, stdout=StringIO())


def left_in_the_database() -> set[str]:
    return names(
        "SELECT relname FROM pg_class WHERE relname LIKE 'metering%'"
        " UNION SELECT proname FROM pg_proc WHERE proname LIKE 'metering%'"
        " UNION SELECT tgname FROM pg_trigger"
        " WHERE NOT tgisinternal AND tgfoid::regproc::text LIKE 'metering%'"
    )


def declared(kind: type[UniqueConstraint | CheckConstraint]) -> set[str]:
    return {c.name for m in MODELS for c in m._meta.constraints if isinstance(c, kind)}


def checks_of_field_types() -> Iterator[str]:
    """PostgreSQL's names for what a field's type asks of its column: a positive number."""
    for model in MODELS:
        for field in model._meta.local_fields:
            if field.db_parameters(connection)["check"]:
                yield f"{model._meta.db_table}_{field.column}_check"


def test_the_schema_goes_back_to_nothing() -> None:
    assert "metering_hold_v1" in left_in_the_database()

    migrate("zero")

    assert left_in_the_database() == set()
    migrate()


def test_the_schema_comes_again_with_its_verbs_and_prices() -> None:
    before, cards = left_in_the_database(), RateCard.objects.count()

    migrate("zero")
    migrate()

    assert left_in_the_database() == before
    assert RateCard.objects.count() == cards
    assert factories.quote_for().tokens == 1500


def test_whoever_is_a_user_already_gets_a_ledger_with_the_schema(
    alice: User, settings: Any
) -> None:
    factories.charged(alice)
    settings.DEFAULT_TOKEN_LIMIT = 4000

    migrate("zero")
    migrate()

    now = queries.balance(user=alice, at=timezone.now())
    assert (now.limit_tokens, now.used_tokens, now.period_kind) == (4000, 0, "month")


def test_every_check_holds_for_the_rows_that_were_there_before_it() -> None:
    unproven = names("SELECT conname FROM pg_constraint WHERE NOT convalidated")

    assert unproven == set()


def test_models_and_migrations_are_in_step() -> None:
    call_command("makemigrations", "metering", check=True, dry_run=True, verbosity=0)


def test_every_check_is_named_by_us_or_comes_with_its_fields_type() -> None:
    checks = names(
        "SELECT conname FROM pg_constraint"
        " WHERE contype = 'c' AND conrelid::regclass::text LIKE 'metering%'"
    )

    assert checks == declared(CheckConstraint) | set(checks_of_field_types())


def test_every_unique_rule_is_named_by_us() -> None:
    unique = names(
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE i.indisunique AND NOT i.indisprimary"
        " AND i.indrelid::regclass::text LIKE 'metering%'"
    )

    fields = {
        (m, f.name) for m in MODELS for f in m._meta.local_fields if f.unique and not f.primary_key
    }
    unnamed = unique - declared(UniqueConstraint)
    assert declared(UniqueConstraint) <= unique
    assert len(unnamed) == len(UNIQUE_FIELDS)
    assert fields == UNIQUE_FIELDS


def test_nothing_refers_to_the_row_that_everybody_updates() -> None:
    referring = names(
        "SELECT conname FROM pg_constraint"
        " WHERE contype = 'f' AND confrelid = 'metering_tokenledger'::regclass"
    )

    assert referring == set()


@pytest.mark.parametrize("model", MODELS)
def test_no_history_goes_with_what_it_points_at(model: type[models.Model]) -> None:
    links = [f for f in model._meta.local_fields if f.remote_field]

    assert all(f.remote_field.on_delete is models.PROTECT for f in links)


@pytest.mark.parametrize("model", MODELS)
def test_money_and_tokens_are_never_floats(model: type[models.Model]) -> None:
    assert not [f for f in model._meta.local_fields if isinstance(f, models.FloatField)]
