from django.urls import path

from generation import api

urlpatterns = [
    path("shorts/generate", api.ShortsGenerateApi.as_view(), name="api_shorts_generate"),
    path("shorts/<uuid:short_id>", api.ShortApi.as_view(), name="api_short"),
    path("shorts/<uuid:short_id>/video", api.ShortVideoApi.as_view(), name="api_short_video"),
    path("shorts/<uuid:short_id>/image", api.ShortImageApi.as_view(), name="api_short_image"),
]
