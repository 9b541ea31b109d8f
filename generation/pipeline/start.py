"""The only way in: price the job, hold its tokens, store the short, ring the bell.

Owns: the order of the checks before anything is spent. Units: tokens.
Invariant: a refusal leaves nothing behind, no row, no file, no hold; a short that exists has both
its holds, because they are made in one transaction with it, the hold last.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models.functions import Now

from accounts import signup
from accounts.models import User
from generation import catalog, files, gates
from generation.models import Short, State, new_id
from generation.pictures import PreparedPicture
from generation.pipeline import bell, served
from generation.providers import routes
from metering import ledger, log_lines, quotes, rates, spending
from metering.types import LegRequest, Quote

log = structlog.get_logger(__name__)


class InvalidChoice(Exception):
    """A model, length, resolution or shape that can't be had. `parameter` names which."""

    code = "invalid_parameter"

    def __init__(self, *, parameter: str, allowed: tuple[object, ...]) -> None:
        super().__init__(f"{parameter} is one of {', '.join(map(str, allowed))}.")
        self.parameter = parameter
        self.allowed = allowed


class IdempotencyConflict(Exception):
    """The idempotency key was used before, for a different request."""

    code = "idempotency_conflict"


class OutcomeUnknown(ledger.MeteringUnavailable):
    """The database went away while the order was committed: it may have begun, or not. The same
    idempotency key finds out."""


class EmailUnconfirmed(Exception):
    """Nobody has shown yet that the user's e-mail address is theirs: no real money for them."""

    code = "email_unconfirmed"


@dataclass(frozen=True)
class Order:
    """What a user asks for. `wish` is the user's own words, `seconds` the length of the video."""

    wish: str = ""
    model: str = catalog.DEFAULT_MODEL
    seconds: int = catalog.DEFAULT_SECONDS
    resolution: str = catalog.DEFAULT_RESOLUTION
    aspect_ratio: str = ""
    idempotency_key: str | None = None
    request_hash: str = field(default="")


@dataclass(frozen=True)
class Analysis:
    """What Gemini wrote before and was paid for. `short_id`: the short that has the charge."""

    short_id: UUID
    video_prompt: str
    seen: str
    warning: str


@dataclass(frozen=True)
class Started:
    """A short that is on its way, with its quote. `repeated`: it was there before."""

    short: Short
    quote: Quote | None
    repeated: bool = False


def quote(*, order: Order, at: datetime, analysed: bool = False) -> Quote:
    """The price of an order, without the analysis for a picture that is `analysed` already.

    Raises InvalidChoice and rates.UnpricedModel.
    """
    video = served.find(order.model)
    if video is None:
        raise rates.UnpricedModel(api_type="", model=order.model, resolution=order.resolution)
    if order.seconds not in video.seconds:
        raise InvalidChoice(parameter="seconds", allowed=video.seconds)
    if order.resolution not in catalog.RESOLUTIONS:
        raise InvalidChoice(parameter="resolution", allowed=catalog.RESOLUTIONS)
    if order.aspect_ratio and order.aspect_ratio not in catalog.ASPECT_RATIOS:
        raise InvalidChoice(parameter="aspect_ratio", allowed=catalog.ASPECT_RATIOS)
    rendering = LegRequest(
        api_type=video.api_type,
        model=video.name,
        seconds=order.seconds,
        resolution=order.resolution,
    )
    analysis = LegRequest(api_type=catalog.ANALYSIS_API_TYPE, model=catalog.ANALYSIS_MODEL)
    return quotes.quote(legs=[rendering] if analysed else [analysis, rendering], at=at)


def repeated(*, user: User, order: Order) -> Started | None:
    """The short that this idempotency key began before. Raises IdempotencyConflict."""
    if order.idempotency_key is None:
        return None
    short = Short.objects.filter(user=user, idempotency_key=order.idempotency_key).first()
    if short is None:
        return None
    if short.request_hash != order.request_hash:
        raise IdempotencyConflict(order.idempotency_key)
    return Started(short=short, quote=None, repeated=True)


def run(
    *,
    user: User,
    picture: PreparedPicture,
    order: Order,
    at: datetime,
    analysis: Analysis | None = None,
) -> Started:
    """Begin one short, or refuse and leave nothing behind. With an `analysis` that the user has
    paid for before, it begins where that ended, and only the video is priced and held.

    Raises InvalidChoice, rates.UnpricedModel, gates.ModelClosed, EmailUnconfirmed,
    spending.SpendingPaused, the refusals of ledger.hold, IdempotencyConflict, and
    ledger.MeteringUnavailable if the database is away, OutcomeUnknown if it went at the very end.
    """
    try:
        price = quote(order=order, at=at, analysed=analysis is not None)
        video = catalog.find(order.model)
        route = video.route if video else ""
        asked = [] if analysis else [catalog.ANALYSIS_MODEL]
        gates.check_open(route=route, models=[*asked, order.model])
        _check_address(user)
        spending.check(quote=price, at=at)
        short = _new_short(user=user, picture=picture, order=order, at=at, analysis=analysis)
        return _store(short=short, picture=picture, order=order, price=price, at=at)
    except (OperationalError, InterfaceError) as error:
        raise ledger.MeteringUnavailable("The database can't be reached.") from error


def _check_address(user: User) -> None:
    """Raise EmailUnconfirmed for a user who could spend real money and has confirmed no address."""
    if routes.spends_money() and not signup.has_confirmed(user=user):
        raise EmailUnconfirmed(user.email)


def _store(
    *, short: Short, picture: PreparedPicture, order: Order, price: Quote, at: datetime
) -> Started:
    user = short.user
    short.picture = files.save_picture(short_id=short.id, data=picture.data)
    complete = False
    try:
        with transaction.atomic(durable=True):
            short.save(force_insert=True)
            bell.ring(short_id=short.id)
            held = ledger.hold(
                user=user, job_id=short.id, quote=price, key=f"hold:{short.id}", at=at
            )
            complete = True
    except IntegrityError:
        files.discard(short.picture)
        before = repeated(user=user, order=order)
        if before is None:
            raise
        return before
    except BaseException as error:
        if complete and isinstance(error, OperationalError | InterfaceError):
            # If it was not committed, the search for orphans finds the picture.
            raise OutcomeUnknown("The commit was not answered.") from error
        files.discard(short.picture)
        raise
    log.info(
        log_lines.check(tokens=price.tokens, remaining=held.remaining_tokens),
        job_id=str(short.id),
        user_id=user.pk,
    )
    return Started(short=short, quote=price)


def _new_short(
    *,
    user: User,
    picture: PreparedPicture,
    order: Order,
    at: datetime,
    analysis: Analysis | None,
) -> Short:
    short = Short(
        id=new_id(),
        user=user,
        state=State.QUEUED,
        picture_width=picture.width,
        picture_height=picture.height,
        wish=order.wish,
        model=order.model,
        seconds=order.seconds,
        resolution=order.resolution,
        aspect_ratio=order.aspect_ratio
        or catalog.frame(width=picture.width, height=picture.height),
        idempotency_key=order.idempotency_key,
        request_hash=order.request_hash,
        # By the clock that the claim goes by.
        next_attempt_at=Now(),
        rung_at=Now(),
        created_at=at,
    )
    if analysis is not None:
        short.state = State.ANALYZED
        short.analysis_of_id = analysis.short_id
        short.video_prompt = analysis.video_prompt
        short.seen = analysis.seen
        short.warning = analysis.warning
    return short
