"""The web application, as gunicorn loads it."""

from django.core.wsgi import get_wsgi_application

from shortsproject.startup import configure

# The status by which a gunicorn worker tells its master to stop instead of trying for ever.
APP_LOAD_ERROR = 4

configure(exit_status=APP_LOAD_ERROR)
application = get_wsgi_application()
