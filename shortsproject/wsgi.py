"""The web application, as gunicorn loads it."""

from django.core.wsgi import get_wsgi_application

from shortsproject.startup import configure

configure()
application = get_wsgi_application()
