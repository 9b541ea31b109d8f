"""What staff fill in to settle a short, beside the reason."""

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from metering.admin import act_forms


class ResumeForm(act_forms.ActForm):
    """The name by which the provider knows the render."""

    operation_name = forms.CharField(
        label=_("Name of the operation"),
        max_length=500,
        help_text=_(
            "As the provider's console or log shows it. The provider is asked about it first."
        ),
        widget=UnfoldAdminTextInputWidget,
    )
    field_order = ("operation_name", "reason", "key")
