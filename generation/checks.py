"""What `manage.py check --deploy` says about where the files of shorts lie."""

from typing import Any

from django.conf import settings
from django.core import checks

DISK = "django.core.files.storage.FileSystemStorage"


@checks.register(deploy=True)
def files_are_shared(**kwargs: Any) -> list[checks.CheckMessage]:
    """A warning while pictures and videos lie on the disk of this machine alone."""
    if settings.STORAGES["default"]["BACKEND"] != DISK:
        return []
    return [
        checks.Warning(
            f"Pictures and videos are kept in {settings.MEDIA_ROOT}, on the disk of this machine.",
            hint="Web servers and workers on other machines do not see them: set STORAGE_URL there"
            " and here, unless this is the only machine or the folder is a shared one.",
            id="generation.W001",
        )
    ]
