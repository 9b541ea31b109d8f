"""The bar of used and held tokens that pages show, as whole numbers."""

from metering.types import Balance

WIDTH = 100


def of(*, balance: Balance) -> dict[str, int] | None:
    """Tokens in all, what remains of them (holds not subtracted), what of that is left for a new
    job, and the widths of the used and the held part, of a hundred; None without a limit."""
    if balance.limit_tokens is None:
        return None
    most = balance.limit_tokens + balance.granted_tokens
    used = _share(balance.used_tokens, most)
    return {
        "most": most,
        "remaining": most - balance.used_tokens,
        "left": max(balance.available_tokens or 0, 0),
        "used_width": used,
        "held_width": min(_share(balance.held_tokens, most), WIDTH - used),
    }


def _share(part: int, whole: int) -> int:
    """Rounded half up; all of it where there is nothing to have a share of."""
    return min(WIDTH, (2 * WIDTH * part + whole) // (2 * whole)) if whole else WIDTH
