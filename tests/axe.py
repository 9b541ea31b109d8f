"""axe-core in the browser of the tests: the rules of WCAG 2.2 AA and axe's own best practice."""

from dataclasses import dataclass
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPTIONS = {
    "runOnly": {"type": "tag", "values": TAGS},
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
AXE = Axe()


@dataclass(frozen=True)
class Objection:
    """A rule that an element breaks, and axe's reasons."""

    rule: str
    element: str
    reasons: str


def objections(page: Page) -> list[Objection]:
    """What axe objects to in a page as it looks now."""
    violations = AXE.run(page, options=OPTIONS).response["violations"]
    return [_of(violation, node) for violation in violations for node in violation["nodes"]]


def _of(violation: dict[str, Any], node: dict[str, Any]) -> Objection:
    reasons = [check["message"] for check in node["any"] + node["all"] + node["none"]]
    return Objection(violation["id"], str(node["target"]), " ".join(reasons))
