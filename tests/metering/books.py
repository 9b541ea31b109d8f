"""What the proof of the books finds."""

from metering import audit


def found() -> dict[str, list[str]]:
    """The details of what was found, by invariant."""
    names: dict[str, list[str]] = {}
    for finding in audit.run():
        names.setdefault(finding.invariant, []).append(finding.detail)
    return names
