"""All settings, read from the environment.

The real environment wins over LOCAL_DIR/stack.env (written by a running one-machine stack), which
wins over .env. What makes no sense, or is missing with DEBUG off, stops the start with a sentence.
"""

from decimal import Decimal
from pathlib import Path

import environ
from csp.constants import NONCE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

from shortsproject import environment, logs, storage_url

BASE_DIR = Path(__file__).resolve().parent.parent
LOCAL_DIR = (BASE_DIR / environment.text("LOCAL_DIR", ".local")).resolve()
environ.Env.read_env(LOCAL_DIR / "stack.env")
environ.Env.read_env(BASE_DIR / ".env")

DEBUG = environment.flag("DEBUG", default=False)


def required(name: str, *, debug_default: str) -> str:
    """What stands in for a variable while DEBUG is on. Without DEBUG it has to be set."""
    if not DEBUG and not environment.words(name):
        raise ImproperlyConfigured(f"{name} is not set (see .env.example).")
    return debug_default


# Security

SECRET_KEY = environment.text(
    "SECRET_KEY", required("SECRET_KEY", debug_default="only-for-development")
)
ALLOWED_HOSTS = environment.words(
    "ALLOWED_HOSTS", required("ALLOWED_HOSTS", debug_default="localhost,127.0.0.1,[::1]")
)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SESSION_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if not DEBUG:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = environment.flag("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
    SECURE_HSTS_SECONDS = 31_536_000
CSRF_FAILURE_VIEW = "shortsproject.errors.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:", "blob:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": [SELF],
        "frame-ancestors": ["'none'"],
    }
}

# Applications

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "heroicons",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "accounts",
    "metering",
    "generation",
]

MIDDLEWARE = [
    "shortsproject.middleware.RequestIdMiddleware",
    "shortsproject.middleware.ApiSlashMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.PreferencesMiddleware",
    "accounts.middleware.StaffSecondFactorMiddleware",
    "shortsproject.middleware.NoPageMiddleware",
    "shortsproject.admin_policy.AdminPolicyMiddleware",
]

ROOT_URLCONF = "shortsproject.urls"
WSGI_APPLICATION = "shortsproject.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "shortsproject.context.site",
            ],
        },
    },
]

# Data

DATABASES = {
    "default": {
        **environment.database(
            "DATABASE_URL",
            required("DATABASE_URL", debug_default="postgresql://shorts@127.0.0.1:5432/shorts"),
        ),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }
}
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = environment.broker(
    "REDIS_URL", required("REDIS_URL", debug_default="redis://127.0.0.1:6379/0")
)
CACHES = {
    # Counts tries to log in and remembers codes that were used, so that all processes have to know
    # it, also while the broker is away. Rows that are out of date go when there are too many.
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "accounts_cacheentry",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    },
    # What each process may find out for itself.
    "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

MEDIA_ROOT = LOCAL_DIR / "media"
STATIC_ROOT = None if DEBUG else LOCAL_DIR / "static"
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "shortsproject" / "static"]
STORAGES = {
    "default": storage_url.backend(environment.text("STORAGE_URL")),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
FILE_UPLOAD_PERMISSIONS = 0o600
WHITENOISE_USE_FINDERS = DEBUG
MAX_UPLOAD_BYTES = 20 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 4

# Accounts

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
# One address, which is the log-in: a new one replaces it once it is confirmed, and the password
# is asked for first.
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
# Limits on tries, and the list of log-ins, go by the address that the last of so many proxies saw.
ALLAUTH_TRUSTED_PROXY_COUNT = environment.number(
    "TRUSTED_PROXIES", default="0" if DEBUG else "1", kind=int, most=100
)
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Shorts"
MFA_ADAPTER = "accounts.adapter.SecondFactorAdapter"
STAFF_SECOND_FACTOR = environment.flag("STAFF_SECOND_FACTOR", default=False)
SIGNUP_OPEN = environment.flag("SIGNUP_OPEN", default=True)
KNOX_TOKEN_MODEL = "accounts.ApiKey"  # noqa: S105 - the name of a model
REST_KNOX = {
    "AUTH_HEADER_PREFIX": "Bearer",
    "TOKEN_TTL": None,
    "TOKEN_PREFIX": "shorts_",
    "AUTO_REFRESH": False,
}
KNOX_TOKEN_PREFIX = REST_KNOX["TOKEN_PREFIX"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "shortsproject.api_errors.problem",
    "DEFAULT_SCHEMA_CLASS": "shortsproject.api_schema.OperationSchema",
    "COERCE_DECIMAL_TO_STRING": True,
    # Every address has one format, and no parameter that names it.
    "URL_FORMAT_OVERRIDE": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Shorts",
    "DESCRIPTION": "A picture becomes a short video, and every token is accounted for.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [],
}

# Languages and time

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ko", _("Korean"))]
LOCALE_PATHS = [BASE_DIR / "shortsproject" / "locale"]
LANGUAGE_COOKIE_NAME = "language"
USE_TZ = True
TIME_ZONE = "UTC"
QUOTA_TIME_ZONE = environment.time_zone("QUOTA_TIME_ZONE", default="Asia/Seoul")

# Metering

DEFAULT_TOKEN_LIMIT = environment.number("DEFAULT_TOKEN_LIMIT", default="10000", kind=int)
DEFAULT_MAX_IN_FLIGHT = environment.number(
    "DEFAULT_MAX_IN_FLIGHT", default="3", kind=int, most=1_000_000
)
DAILY_SPEND_LIMIT_USD = (
    environment.number("DAILY_SPEND_LIMIT_USD", default="", kind=Decimal)
    if environment.text("DAILY_SPEND_LIMIT_USD")
    else None
)

# Gemini

GEMINI_API_KEY = environment.text("GEMINI_API_KEY")
GEMINI_BASE_URL = environment.web_url("GEMINI_BASE_URL")
GOOGLE_CLOUD_PROJECT = environment.text("GOOGLE_CLOUD_PROJECT")
GOOGLE_CLOUD_LOCATION = environment.text("GOOGLE_CLOUD_LOCATION", "us-central1")
if not DEBUG and not (GOOGLE_CLOUD_PROJECT or GEMINI_API_KEY or GEMINI_BASE_URL):
    raise ImproperlyConfigured(
        "No route to Gemini is configured: set GOOGLE_CLOUD_PROJECT for Veo, or GEMINI_API_KEY for"
        " Omni (see .env.example)."
    )

# What a video model is given to do, unless staff say otherwise in the admin.
PROVIDER_SUBMITS_PER_MINUTE = environment.number(
    "PROVIDER_SUBMITS_PER_MINUTE", default="300", kind=int, least=1, most=1_000_000
)
PROVIDER_RENDERS_AT_ONCE = environment.number(
    "PROVIDER_RENDERS_AT_ONCE", default="200", kind=int, least=1, most=1_000_000
)

# Celery

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "retry_on_timeout": False,
    "max_retries": 1,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 300
CELERY_TIMEZONE = "UTC"

# Mail

EMAIL_CONFIG = environment.mail("EMAIL_URL")
EMAIL_BACKEND = EMAIL_CONFIG["EMAIL_BACKEND"]
EMAIL_HOST = EMAIL_CONFIG.get("EMAIL_HOST") or ""
EMAIL_PORT = EMAIL_CONFIG.get("EMAIL_PORT") or 25
EMAIL_HOST_USER = EMAIL_CONFIG.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD = EMAIL_CONFIG.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS = EMAIL_CONFIG.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = EMAIL_CONFIG.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = environment.text("DEFAULT_FROM_EMAIL", "Shorts <noreply@localhost>")
METRICS_TOKEN = environment.text("METRICS_TOKEN")
PORT = environment.number("PORT", default="8000", kind=int, least=1, most=65535)
SITE_URL = environment.web_url("SITE_URL", f"http://127.0.0.1:{PORT}")
CONTACT_EMAIL = environment.text("CONTACT_EMAIL")
STAFF_EMAILS = environment.words("STAFF_EMAILS")
STAFF_NOTICE_LEVEL = environment.number("STAFF_NOTICE_LEVEL", default="100", kind=int)

# Admin

UNFOLD = {
    "SITE_TITLE": "Shorts",
    "SITE_HEADER": "Shorts",
    "SHOW_HISTORY": True,
    "SITE_FAVICONS": [{"rel": "icon", "href": lambda request: static("favicon.svg")}],
    "STYLES": [lambda request: static("admin.css")],
    "SCRIPTS": [lambda request: static("admin.js")],
    "DASHBOARD_CALLBACK": "shortsproject.admin_pages.dashboard",
    "SIDEBAR": {"navigation": "shortsproject.admin_pages.navigation"},
}

# Logs

LOG_LANGUAGE = environment.choice("LOG_LANGUAGE", default="ko", among=("ko", "en"))
LOGGING = logs.configured(debug=DEBUG)
