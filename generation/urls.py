from django.urls import path

from generation import views

urlpatterns = [
    path("", views.studio, name="studio"),
    path("shorts/<uuid:short_id>", views.short, name="short"),
    path("shorts/<uuid:short_id>/cancel", views.cancel_short, name="short_cancel"),
    path("shorts/<uuid:short_id>/delete", views.delete_short, name="short_delete"),
    path("account/close", views.close_account, name="close_account"),
]
