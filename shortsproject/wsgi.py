"""The web application, as gunicorn loads it."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from shortsproject.bodies import Measured
from shortsproject.startup import configure

# The status by which a gunicorn worker tells its master to stop instead of trying for ever.
APP_LOAD_ERROR = 4

configure(exit_status=APP_LOAD_ERROR)
application = Measured(
    get_wsgi_application(),
    most_bytes=settings.MAX_UPLOAD_BYTES + settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
)
