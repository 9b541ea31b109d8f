"""The forms of the pages, and how the body of the studio's is read."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.core import signing
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from generation import history, pictures

WISH_LENGTH = 1000
FORM_BYTES = 64 * 1024
CHOICES = ("model", "seconds", "resolution", "aspect_ratio")
TYPED_SECONDS = 30 * 60
# Days far outside have no instant in every time zone.
DAYS: list[Callable[[Any], None]] = [
    MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2999, 12, 31)),
]  # fmt: skip


class FormTooLarge(pictures.ImageTooLarge):
    """The whole form is larger than one with the largest picture."""


class WishField(forms.CharField):
    """Free text. A line end counts as one character, as it does in the browser."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


class DayField(forms.DateField):
    """A day that has an instant in every time zone."""

    default_validators = DAYS
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class StudioForm(forms.Form):
    """The choices of one video. Which values can be had is decided where they are priced."""

    prompt = WishField(
        required=False,
        max_length=WISH_LENGTH,
        error_messages={
            "max_length": _(
                "Your wish is too long: it has %(show_value)d characters and may have"
                " %(limit_value)d. Shorten it and send it again."
            )
        },
    )
    model = forms.CharField(required=False, max_length=100)
    seconds = forms.IntegerField(required=False)
    resolution = forms.CharField(required=False, max_length=16)
    aspect_ratio = forms.CharField(required=False, max_length=8)
    idempotency_key = forms.RegexField(r"^[\x21-\x7e]+$", required=False, max_length=255)

    def checked(self) -> dict[str, Any]:
        """The cleaned choices. Raises forms.ValidationError with one sentence."""
        if not self.is_valid():
            raise forms.ValidationError([str(next(iter(self.errors.values()))[0])])
        return self.cleaned_data


def preselected(asked: Mapping[str, str]) -> dict[str, str]:
    """The choices that an address may make for whoever opens it."""
    return {name: asked[name] for name in CHOICES if name in asked}


def packed(typed: Mapping[str, str]) -> str:
    """What was typed into the studio's form, as a cookie that outlives a log-in. Not secret, but
    nobody else can make one."""
    words = WishField(required=False).to_python(typed.get("prompt", ""))[:WISH_LENGTH]
    chosen = {name: value[:100] for name, value in preselected(typed).items()}
    return signing.dumps({"prompt": words, **chosen}, salt="studio", compress=True)


def unpacked(value: str) -> dict[str, str]:
    """What was typed not long ago; nothing, if that is no value of ours."""
    try:
        typed: dict[str, str] = signing.loads(value, salt="studio", max_age=TYPED_SECONDS)
    except signing.BadSignature:
        return {}
    return typed


class CloseAccountForm(forms.Form):
    """The password, so that nobody closes the account of somebody who has left the room."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> None:
        """Nothing, if it is the user's password; it is not kept."""
        if not self.user.check_password(self.cleaned_data["password"]):
            raise forms.ValidationError(_("This is not your password."))


class HistoryForm(forms.Form):
    """Which shorts the history shows."""

    show = forms.ChoiceField(choices=[(name, name) for name in history.GROUPS], required=False)
    since = DayField(label=_("From"), required=False)
    until = DayField(label=_("To"), required=False)
    before = forms.UUIDField(required=False)
    after = forms.UUIDField(required=False)

    def clean(self) -> None:
        """Refuse a last day before the first."""
        super().clean()
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and since > until:
            self.add_error("until", _("The last day lies before the first."))

    def asked(self) -> history.Asked:
        """The question, without a day that makes no sense, which the form shows as wrong.

        Raises forms.ValidationError if anything else makes none.
        """
        self.full_clean()
        if self.errors.keys() - {"since", "until"}:
            raise forms.ValidationError(self.errors)
        return history.Asked(**self.cleaned_data)


class IdsField(forms.Field):
    """Ids that are given one by one under the same name: at most as many as a page shows."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> list[UUID]:
        """Raises forms.ValidationError."""
        given = list(value or ())
        try:
            ids = [UUID(one) for one in given[: history.PAGE]]
        except ValueError as error:
            raise forms.ValidationError("These are no ids.") from error
        return ids


class ChosenForm(forms.Form):
    """Some of the shorts of a page."""

    id = IdsField(required=False)

    def ids(self) -> list[UUID]:
        """Their ids; none if that makes no sense."""
        return self.cleaned_data["id"] if self.is_valid() else []


def is_too_large(request: HttpRequest) -> bool:
    """Whether the body announces itself as larger than a form with the largest picture."""
    return _body_bytes(request) > settings.MAX_UPLOAD_BYTES + FORM_BYTES


def check_size(request: HttpRequest) -> None:
    """Raise FormTooLarge for a body whose picture was not even kept."""
    if is_too_large(request):
        raise FormTooLarge(
            "too_many_bytes", limit=settings.MAX_UPLOAD_BYTES, actual=_body_bytes(request)
        )


def _body_bytes(request: HttpRequest) -> int:
    return int(request.META.get("CONTENT_LENGTH") or 0)


class SkipTooLarge(FileUploadHandler):
    """Keeps the words of a form whose picture is too large, and not one byte of the picture.

    The body is read to its end, because a browser whose upload is cut off shows no answer at all.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Called before a file's first byte is kept."""
        super().new_file(*args, **kwargs)
        if self.request is not None and is_too_large(self.request):
            raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Hand every byte on to the next handler."""
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """This handler keeps nothing."""
