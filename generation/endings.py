"""Why a short can end, or wait, in words for the person it belongs to.

Each says what happened, whether tokens were taken, and what to do next.
"""

from django.utils.translation import gettext_lazy as _

MESSAGES = {
    "blocked": _(
        "Gemini declined to work with this picture or these words. The tokens for the video were"
        " given back. Try another picture, or other words."
    ),
    "no_prompt": _(
        "Gemini found no usable video prompt for this picture. The tokens for the video were given"
        " back. Describe in your own words what should happen, then try again."
    ),
    "analysis_unreachable": _(
        "The picture could not be analysed because no answer arrived from Gemini. Tokens for the"
        " video were given back. Please try again later."
    ),
    "provider_unreachable": _(
        "The service that makes the videos could not be reached. Nothing was charged for the step"
        " that failed and its tokens were given back. Please try again later."
    ),
    "provider_refused": _(
        "The service that makes the videos refused this request. Nothing was charged for the step"
        " that failed and its tokens were given back. Our staff can see the details."
    ),
    "model_closed": _(
        "The chosen model is not available at the moment. The tokens that were still held were"
        " given back. Please choose another model."
    ),
    "filtered": _(
        "The safety filter of the video model held the video back. No tokens were taken for the"
        " video. Try another picture, or other words."
    ),
    "render_failed": _(
        "The video could not be rendered. No tokens were taken for the video. Please try again."
    ),
    "lost": _(
        "The video was rendered and charged, but could not be fetched in time. Our staff have been"
        " told and can refund it."
    ),
    "hold_closed": _(
        "The tokens held for this step had been given back before it could begin, so nothing was"
        " charged for it. Please try again."
    ),
    "submit_unknown": _(
        "We do not know yet whether the renderer took the job. Its tokens stay held until this is"
        " certain, and you can start other videos meanwhile. Our staff have been told."
    ),
    "overdue": _(
        "The render takes longer than usual. Its tokens stay held until its outcome is certain."
    ),
    "render_unsettled": _(
        "The render gave no result in time, so we do not know whether there is a video. Its tokens"
        " stay held until our staff have settled this, and you can start other videos meanwhile."
    ),
    "spending_paused": _(
        "Our staff have paused all spending, so this video waits. Its tokens stay held, and it goes"
        " on by itself when they resume."
    ),
    "cancel_requested": _(
        "You canceled this video. It ends as soon as the answer about the picture is there, which"
        " is charged; the tokens for the video are given back."
    ),
    "rejected_by_staff": _(
        "Our staff have closed this video. The tokens that were still held were given back."
    ),
}


def message(code: str) -> str:
    """The sentence for a code, in the active language; empty for no code."""
    return str(MESSAGES[code]) if code else ""
