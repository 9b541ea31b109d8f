from allauth.mfa.recovery_codes.views import view_recovery_codes
from allauth.mfa.totp.views import activate_totp
from django.urls import path
from django.views.decorators.cache import never_cache

from accounts import views

urlpatterns = [
    path("account", views.overview, name="account"),
    path("account/keys", views.keys, name="api_keys"),
    path("account/keys/<str:handle>/revoke", views.revoke_key, name="revoke_api_key"),
    path("account/preferences", views.choices, name="preferences"),
    path("accounts/sessions/", views.sessions, name="usersessions_list"),
    # Pages with secrets: no browser keeps a copy. Their names come with the rest of allauth.mfa.
    path("accounts/2fa/totp/activate/", never_cache(activate_totp)),
    path("accounts/2fa/recovery-codes/", never_cache(view_recovery_codes)),
    path("language", views.language, name="set_language"),
]
