from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GenerationConfig(AppConfig):
    name = "generation"
    verbose_name = _("Shorts")

    def ready(self) -> None:
        import generation.checks  # noqa: F401 - registers them
