from django.urls import path

from generation import deletion_views, history_views, views

urlpatterns = [
    path("", views.studio, name="studio"),
    path("studio/prices", views.studio_prices, name="studio_prices"),
    path("shorts", history_views.history, name="history"),
    path("shorts/delete", deletion_views.delete_several, name="shorts_delete"),
    path("shorts/running", history_views.running, name="shorts_running"),
    path("shorts/<uuid:short_id>", views.short, name="short"),
    path("shorts/<uuid:short_id>/progress", views.short_progress, name="short_progress"),
    path("shorts/<uuid:short_id>/thumbnail", history_views.thumbnail, name="short_thumbnail"),
    path("shorts/<uuid:short_id>/cancel", views.cancel_short, name="short_cancel"),
    path("shorts/<uuid:short_id>/delete", deletion_views.delete_short, name="short_delete"),
    path("account/close", views.close_account, name="close_account"),
]
