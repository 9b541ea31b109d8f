"""GET /api/schema: what it says is what the API does."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator
from rest_framework.test import APIClient

from accounts.models import User
from generation.models import State
from shortsproject import api_errors, api_operations, api_schema
from shortsproject.local.gemini import StandIn
from tests import factories
from tests.generation import driving
from tests.generation.browsing import PICTURE

Clients = Callable[[User], APIClient]
JSON, PROBLEM = "application/json", "application/problem+json"


def photo() -> SimpleUploadedFile:
    return SimpleUploadedFile("photo.jpg", PICTURE, content_type="image/jpeg")


def document() -> dict[str, Any]:
    """The description as it is served."""
    response = Client().get("/api/schema")
    assert (response.status_code, response["Content-Type"]) == (200, JSON)
    body: dict[str, Any] = response.json()
    return body


def closed(schema: Any) -> Any:
    """The same schema, in which an object has no members that are not described."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {name: closed(part) for name, part in schema.items()}
    described = isinstance(schema.get("properties"), dict)
    return {"additionalProperties": False, **parts} if described else parts


def faults(schema: dict[str, Any], body: Any) -> list[str]:
    """Where a body differs from a schema of the description."""
    whole = {"components": closed(document()["components"]), **schema}
    validator = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(body)]


def described(method: str, path: str, status: int, kind: str = JSON) -> dict[str, Any]:
    """The schema of one answer."""
    answer = document()["paths"][path][method]["responses"][str(status)]
    schema: dict[str, Any] = answer["content"][kind]["schema"]
    return schema


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    ]


def examples() -> list[Any]:
    """Every example of an answer or a body, with its schema."""
    contents = [
        content
        for _, _, operation in operations()
        for part in [*operation["responses"].values(), operation.get("requestBody", {})]
        for content in part.get("content", {}).values()
    ]
    return [
        (content["schema"], example["value"])
        for content in contents
        for example in content.get("examples", {}).values()
    ]


def test_it_is_valid_openapi_and_made_without_a_warning(
    capsys: pytest.CaptureFixture[str],
) -> None:
    api_schema.document.cache_clear()

    made = document()

    validate_schema(made)
    assert made["openapi"].startswith("3.1")
    assert capsys.readouterr().err == ""
    assert not GENERATOR_STATS


def test_every_address_under_api_is_in_it(db: None) -> None:
    routes = [
        "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", f"{outer.pattern}{inner.pattern}")
        for outer in get_resolver().url_patterns
        if str(outer.pattern) == "api/"
        for inner in outer.url_patterns
    ]

    assert sorted(document()["paths"]) == sorted(routes)
    assert "/api/shorts/generate" in routes


def test_every_operation_has_a_row_and_a_name_of_its_own() -> None:
    rows = {f"{method.upper()} {path}" for method, path, _ in operations()}
    names = [operation["operationId"] for _, _, operation in operations()]

    assert rows == set(api_operations.OPERATIONS)
    assert len(set(names)) == len(names)
    assert all(operation["summary"] for _, _, operation in operations())


@pytest.mark.parametrize("row", api_operations.OPERATIONS)
def test_what_is_described_exists(alice: User, api: Clients, row: str) -> None:
    method, path = row.split()
    there = path.replace("{short_id}", str(factories.short(alice, State.SUCCEEDED).pk))

    response = api(alice).options(there)

    assert method in response["Allow"].split(", ")


def test_a_key_or_a_session_opens_every_operation() -> None:
    made = document()

    assert {json.dumps(operation["security"]) for _, _, operation in operations()} == {
        '[{"apiKey": []}, {"session": []}]'
    }
    assert made["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"
    assert made["components"]["securitySchemes"]["session"]["name"] == "sessionid"


def test_every_example_is_as_described() -> None:
    found = [faults(schema, value) for schema, value in examples()]

    assert len(found) > 40
    assert [fault for fault in found if fault] == []


def test_every_code_has_a_title_and_its_status() -> None:
    assert set(api_operations.STATUSES) <= set(api_errors.TITLES)
    assert {(value["code"], value["status"]) for _, value in examples() if "code" in value} == set(
        api_operations.STATUSES.items()
    )


def test_it_is_in_english_for_everybody() -> None:
    api_schema.document.cache_clear()

    korean = Client().get("/api/schema", headers={"Accept-Language": "ko"})

    assert not re.search("[가-힣]", korean.content.decode())


def test_what_the_provider_bills_is_not_in_it() -> None:
    assert b"cost_" not in api_schema.document()


def test_the_answers_about_shorts_are_as_described(
    alice: User, api: Clients, stand_in: StandIn
) -> None:
    client = api(alice)

    begun = client.post("/api/shorts/generate", {"image": photo()})
    short = driving.until(driving.begin(alice), State.SUCCEEDED)
    one = client.get(f"/api/shorts/{short.pk}").json()
    listed = client.get("/api/shorts").json()
    quoted = client.post("/api/shorts/quote", {"resolution": "4k"}, format="json").json()

    assert faults(described("post", "/api/shorts/generate", 202), begun.json()) == []
    assert faults(described("get", "/api/shorts/{short_id}", 200), one) == []
    assert faults(described("get", "/api/shorts", 200), listed) == []
    assert faults(described("post", "/api/shorts/quote", 200), quoted) == []
    assert [found["state"] for found in listed["results"]] == ["succeeded", "queued"]


def test_the_answers_about_usage_are_as_described(alice: User, api: Clients) -> None:
    factories.short_charged(alice, at=timezone.now())
    client = api(alice)

    usage = client.get("/api/usage").json()
    entries = client.get("/api/usage/entries").json()

    assert faults(described("get", "/api/usage", 200), usage) == []
    assert faults(described("get", "/api/usage/entries", 200), entries) == []
    assert len(usage["by_day"]) == len(entries["results"]) == 2


def test_a_refusal_is_as_described(alice: User, api: Clients) -> None:
    factories.limit(alice, 1000, at=timezone.now())

    refused = api(alice).post("/api/shorts/generate", {"image": photo()})

    schema = described("post", "/api/shorts/generate", refused.status_code, PROBLEM)
    assert refused.json()["code"] == "token_limit_exceeded"
    assert faults(schema, refused.json()) == []


@pytest.mark.parametrize("act", ["cancel", "again"])
def test_a_refusal_that_names_the_state_is_as_described(
    alice: User, api: Clients, act: str
) -> None:
    short = factories.short(alice, State.RENDERING)

    refused = api(alice).post(f"/api/shorts/{short.pk}/{act}")

    schema = described("post", f"/api/shorts/{{short_id}}/{act}", 409, PROBLEM)
    assert refused.json()["state"] == State.RENDERING
    assert faults(schema, refused.json()) == []


def test_it_says_when_to_ask_again() -> None:
    answers = [
        answer
        for _, _, operation in operations()
        for status, answer in operation["responses"].items()
        if status in {"429", "503"}
    ]

    assert answers
    assert all("Retry-After" in answer["headers"] for answer in answers)


def test_an_invalid_parameter_is_as_described(alice: User, api: Clients) -> None:
    client = api(alice)

    answers = [client.get("/api/shorts?limit=0"), client.post("/api/shorts/quote", {"seconds": 7})]

    schema = described("get", "/api/shorts", 400, PROBLEM)
    assert [faults(schema, answer.json()) for answer in answers] == [[], []]


@pytest.mark.parametrize("accept", ["text/html", "application/yaml", "*/*"])
def test_it_is_json_whatever_is_accepted(accept: str) -> None:
    response = Client().get("/api/schema", headers={"Accept": accept})

    assert (response.status_code, response["Content-Type"]) == (200, JSON)


@pytest.mark.parametrize("path", ["/api/schema/x", "/api/schema.yaml", "/api/docs/x"])
def test_paths_beside_it_are_problems(path: str) -> None:
    response = Client().get(path)

    assert (response.status_code, response["Content-Type"]) == (404, PROBLEM)
