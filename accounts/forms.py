"""What people may say on the pages of their account."""

from datetime import timedelta

from django import forms
from django.conf import settings
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from accounts import preferences

LIFETIMES = {
    "30": (_("30 days"), timedelta(days=30)),
    "90": (_("90 days"), timedelta(days=90)),
    "365": (_("1 year"), timedelta(days=365)),
    "never": (_("never"), None),
}


# Each language in its own words, for those who can't read the others.
OWN_NAMES = [(code, get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES]


class KeyForm(forms.Form):
    """A new API key."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("What the key is for, so that you know it again: laptop, website …"),
        error_messages={"required": _("Please give the key a name.")},
    )
    lifetime = forms.TypedChoiceField(
        label=_("Expires"),
        choices=[(value, label) for value, (label, _span) in LIFETIMES.items()],
        coerce=lambda value: LIFETIMES[value][1],
        empty_value=None,
        initial="90",
        help_text=_("After that it stops by itself."),
    )


class PreferencesForm(forms.Form):
    """Language and time zone."""

    language = forms.ChoiceField(
        label=_("Language"),
        choices=[("", _("As my browser says")), *OWN_NAMES],
        required=False,
        widget=forms.RadioSelect,
    )
    time_zone = forms.CharField(
        label=_("Time zone"),
        max_length=64,
        required=False,
        widget=forms.TextInput(
            attrs={
                "list": "time-zones",
                "spellcheck": "false",
                "aria-describedby": "time-zone-hint",
            }
        ),
    )

    def clean_time_zone(self) -> str:
        """The zone in its right spelling, or nothing."""
        typed = str(self.cleaned_data["time_zone"])
        try:
            return preferences.time_zone_named(typed) if typed else ""
        except preferences.NoSuchTimeZone as error:
            unknown = _("There is no such time zone. Write it like Asia/Seoul or Europe/Berlin.")
            raise forms.ValidationError(unknown) from error


class VisitForm(forms.Form):
    """Which browser is logged out; none is all others."""

    visit = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
