"""What each video model takes: seconds and shapes. Prices are rate cards, never here.

Source: the providers' model pages, as summed up in docs/providers.md.
"""

from dataclasses import dataclass

ANALYSIS_API_TYPE = "gemini-image-analysis"
ANALYSIS_MODEL = "gemini-3.8-flash"
VEO_API_TYPE = "gemini-veo-video"
OMNI_API_TYPE = "gemini-omni-video"
ENTERPRISE, DEVELOPER = "enterprise", "developer"
RESOLUTIONS = ("720p", "1080p", "4k")
ASPECT_RATIOS = ("16:9", "9:16")
DEFAULT_SECONDS = 8
DEFAULT_RESOLUTION = "720p"


@dataclass(frozen=True)
class VideoModel:
    """A video model that this release can drive. `seconds`: the lengths it takes."""

    name: str
    api_type: str
    route: str
    seconds: tuple[int, ...]
    aspect_ratios: tuple[str, ...] = ASPECT_RATIOS


_VEO_SECONDS = (4, 6, 8)
_OMNI_SECONDS = tuple(range(3, 11))
MODELS = (
    VideoModel("veo-3.1-fast-generate-001", VEO_API_TYPE, ENTERPRISE, _VEO_SECONDS),
    VideoModel("veo-3.1-generate-001", VEO_API_TYPE, ENTERPRISE, _VEO_SECONDS),
    VideoModel("veo-3.1-lite-generate-001", VEO_API_TYPE, ENTERPRISE, _VEO_SECONDS),
    VideoModel("gemini-omni-1.1-flash", OMNI_API_TYPE, DEVELOPER, _OMNI_SECONDS),
)
DEFAULT_MODEL = MODELS[0].name


def route_of(name: str) -> str:
    """The route that a model is reached by; one that is unknown here was reached as Veo is."""
    found = find(name)
    return found.route if found else ENTERPRISE


def frame(*, width: int, height: int) -> str:
    """The shape that suits a picture of this size: "16:9", or "9:16" if it is taller than wide."""
    return "16:9" if width >= height else "9:16"


def api_type_of(name: str) -> str:
    """What a model's video leg is called in the ledger; of one unknown by now, as of Veo."""
    found = find(name)
    return found.api_type if found else VEO_API_TYPE


def find(name: str) -> VideoModel | None:
    """The model of that name, or None."""
    return next((model for model in MODELS if model.name == name), None)
