from django.urls import path

from metering import api

urlpatterns = [
    path("usage", api.UsageApi.as_view(), name="api_usage"),
    path("usage/entries", api.EntriesApi.as_view(), name="api_entries"),
    path("usage/entries.csv", api.EntriesCsvApi.as_view(), name="api_entries_csv"),
    path("usage/entries.jsonl", api.EntriesJsonLinesApi.as_view(), name="api_entries_jsonl"),
]
