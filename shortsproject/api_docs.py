"""The API's description for programs, and the page that shows it to people.

Both are public: they say nothing of anybody. The page loads all that it needs from this server.
"""

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from rest_framework.request import Request
from rest_framework.views import APIView

from metering.api import Download
from shortsproject import api_schema


class SchemaApi(APIView):
    """GET /api/schema: the description in OpenAPI 3.1, whatever `Accept` asks for."""

    authentication_classes = []
    permission_classes = []
    content_negotiation_class = Download
    schema = None

    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(api_schema.document(), content_type="application/json")


@require_safe
@csp_replace({"style-src": [SELF, UNSAFE_INLINE]})
def page(request: HttpRequest) -> HttpResponse:
    """/api/docs: every endpoint, to read and to try. Swagger UI sets inline styles."""
    return render(request, "api_docs.html")
