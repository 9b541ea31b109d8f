from django.urls import path

from generation import views

urlpatterns = [
    path("", views.studio, name="studio"),
    path("shorts/<uuid:short_id>", views.short, name="short"),
]
