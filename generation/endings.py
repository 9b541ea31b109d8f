"""Why a short can end, or wait, in words for the person it belongs to.

Each has three parts: what happened, what that means for the tokens, and what to do next. The API
says them in one sentence after another; the page of a short puts its figures beside the second and
buttons beside the third.
"""

from dataclasses import dataclass, replace

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# What can be done at once about an ending.
AGAIN, OTHER_WORDS, OTHER_PICTURE, OTHER_MODEL, NEW_VIDEO, CANCEL = (
    "again", "other_words", "other_picture", "other_model", "new_video", "cancel",
)  # fmt: skip

_VIDEO_GIVEN_BACK = _("The tokens for the video were given back.")
# An answer that could not be read may have been paid before.
_STEP_GIVEN_BACK = _(
    "Only what the receipt shows was charged, and the tokens that were still held were given back."
)
_NOT_FOR_THE_VIDEO = _("No tokens were taken for the video.")
_STAY_HELD = _("Its tokens stay held until this is certain.")
_LATER = _("Please try again later.")
_WORDS_OR_PICTURE = _("Try another picture, or other words.")


@dataclass(frozen=True)
class Ending:
    """One way to end, or to wait. `acts` are the buttons that fit, the best first."""

    happened: str | Promise
    tokens: str | Promise
    advice: str | Promise
    acts: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(str(part) for part in (self.happened, self.tokens, self.advice))


MESSAGES = {
    "blocked": Ending(
        _("Gemini declined to work with this picture or these words."),
        _VIDEO_GIVEN_BACK,
        _WORDS_OR_PICTURE,
        (OTHER_WORDS, OTHER_PICTURE),
    ),
    "no_prompt": Ending(
        _("Gemini found no usable video prompt for this picture."),
        _VIDEO_GIVEN_BACK,
        _("Describe in your own words what should happen, then try again."),
        (OTHER_WORDS, OTHER_PICTURE),
    ),
    "analysis_unreachable": Ending(
        _("The picture could not be analysed because no usable answer arrived from Gemini."),
        _VIDEO_GIVEN_BACK,
        _LATER,
        (AGAIN,),
    ),
    "provider_unreachable": Ending(
        _("The service that makes the videos could not be reached."),
        _STEP_GIVEN_BACK,
        _LATER,
        (AGAIN,),
    ),
    "provider_refused": Ending(
        _("The service that makes the videos refused this request."),
        _STEP_GIVEN_BACK,
        _("Our staff can see the details. Try another picture, or another model."),
        (OTHER_PICTURE, OTHER_MODEL),
    ),
    "model_closed": Ending(
        _("The chosen model is not available at the moment."),
        _("The tokens that were still held were given back."),
        _("Please choose another model."),
        (OTHER_MODEL,),
    ),
    "filtered": Ending(
        _("The safety filter of the video model held the video back."),
        _NOT_FOR_THE_VIDEO,
        _WORDS_OR_PICTURE,
        (OTHER_WORDS, OTHER_PICTURE),
    ),
    "render_failed": Ending(
        _("The video could not be rendered."),
        _NOT_FOR_THE_VIDEO,
        _("Please try again."),
        (AGAIN, OTHER_WORDS),
    ),
    "lost": Ending(
        _("The video was rendered, but it could not be fetched in time."),
        _("Its tokens were taken."),
        _(
            "Our staff have been told and can refund the tokens for the video. You need not do"
            " anything; the refund will stand on the receipt."
        ),
        (AGAIN,),
    ),
    "hold_closed": Ending(
        _("The tokens held for this step had been given back before it could begin."),
        _("Nothing was charged for it."),
        _("Please try again."),
        (AGAIN,),
    ),
    "rejected_by_staff": Ending(
        _("Our staff have closed this video."),
        _("The tokens that were still held were given back."),
        _("You can make it again. If you want to know why, ask our staff and name the job below."),
        (AGAIN, OTHER_PICTURE),
    ),
    "submit_unknown": Ending(
        _("We do not know yet whether the renderer took the job."),
        _STAY_HELD,
        _("Our staff have been told. You can start other videos meanwhile."),
        (NEW_VIDEO,),
    ),
    "overdue": Ending(
        _("The render takes longer than usual."),
        _STAY_HELD,
        _("You need not do anything: we keep asking. You can start other videos meanwhile."),
        (NEW_VIDEO,),
    ),
    "render_unsettled": Ending(
        _("The render gave no result in time, so we do not know whether there is a video."),
        _STAY_HELD,
        _("Our staff settle this. You can start other videos meanwhile."),
        (NEW_VIDEO,),
    ),
    "spending_paused": Ending(
        _("Our staff have paused all spending, so this video waits."),
        _("Its tokens stay held."),
        _("It goes on by itself when they resume. Until then you can cancel it."),
        (CANCEL,),
    ),
    "cancel_requested": Ending(
        _("You canceled this video. It ends as soon as the answer about the picture is there."),
        _("That answer is charged; the tokens for the video are given back."),
        _("You need not do anything. You can start another video meanwhile."),
        (NEW_VIDEO,),
    ),
}
# Where the rate card says that the provider bills such a video.
FILTERED_AND_BILLED = replace(
    MESSAGES["filtered"],
    tokens=_("Its tokens were taken, because the provider bills such a video, too."),
)
# An end that its owner wanted; no fault, so it has no code.
CANCELED = Ending(
    _("You canceled this video."),
    _("The tokens that were still held were given back."),
    _("Nothing is left to do. You can make it again at any time."),
    (AGAIN, OTHER_PICTURE),
)


def message(code: str) -> str:
    """All that is to be said about a code, in the active language; empty for no code."""
    return str(MESSAGES[code]) if code else ""
