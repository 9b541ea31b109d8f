"""Lists of the REST API that are read page by page."""

from typing import Any

from rest_framework.test import APIClient


def page(client: APIClient, url: str, **query: Any) -> dict[str, Any]:
    """One page of a list."""
    response = client.get(url, query)
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


def pages_from(client: APIClient, link: str | None) -> list[dict[str, Any]]:
    """All further rows, by following the links."""
    found: list[dict[str, Any]] = []
    while link:
        body = client.get(link).json()
        found += body["results"]
        link = body["next"]
    return found
