"""The video models that can be ordered here: those of the catalog whose route is configured."""

from generation import catalog
from generation.catalog import VideoModel
from generation.providers import routes


def models() -> list[VideoModel]:
    """Every model whose route is configured, in the order of the catalog."""
    configured = routes.configured()
    return [model for model in catalog.MODELS if model.route in configured]


def find(name: str) -> VideoModel | None:
    """The model of that name, or None if there is none or no way to it."""
    return next((model for model in models() if model.name == name), None)


def default_model() -> str:
    """The model of an order that names none: the first that there is a way to."""
    return next((model.name for model in models()), catalog.DEFAULT_MODEL)
