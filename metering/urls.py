from django.urls import path

from metering import views

urlpatterns = [
    path("notices/", views.notices, name="notices"),
    path("notices/<int:notice_id>/seen", views.notice_seen, name="notice_seen"),
    path("notices/off/<str:token>", views.notices_off, name="notices_off"),
]
