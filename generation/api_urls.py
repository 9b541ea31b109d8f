from django.urls import path

from generation import api, api_browse

urlpatterns = [
    path("shorts", api_browse.ShortsApi.as_view(), name="api_shorts"),
    path("shorts/quote", api_browse.ShortsQuoteApi.as_view(), name="api_shorts_quote"),
    path("shorts/generate", api.ShortsGenerateApi.as_view(), name="api_shorts_generate"),
    path("shorts/<uuid:short_id>", api.ShortApi.as_view(), name="api_short"),
    path("shorts/<uuid:short_id>/cancel", api.ShortCancelApi.as_view(), name="api_short_cancel"),
    path("shorts/<uuid:short_id>/again", api.ShortAgainApi.as_view(), name="api_short_again"),
    path("shorts/<uuid:short_id>/video", api.ShortVideoApi.as_view(), name="api_short_video"),
    path("shorts/<uuid:short_id>/image", api.ShortImageApi.as_view(), name="api_short_image"),
]
