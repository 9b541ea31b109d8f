"""All settings, read from the environment.

The real environment wins over LOCAL_DIR/stack.env (written by a running one-machine stack), which
wins over .env. With DEBUG off, whatever is missing stops the start with one sentence.
"""

from decimal import Decimal
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from csp.constants import NONCE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

from shortsproject import logs

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

LOCAL_DIR = (BASE_DIR / env.str("LOCAL_DIR", default=".local")).resolve()
environ.Env.read_env(LOCAL_DIR / "stack.env")
environ.Env.read_env(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=False)


def required(name: str, *, debug_default: str) -> str:
    """The value of a variable that production must set."""
    value = env.str(name, default="") or (debug_default if DEBUG else "")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set (see .env.example).")
    return value


Number = TypeVar("Number", int, Decimal)


def number(name: str, *, default: str, kind: type[Number], least: int = 0) -> Number:
    """A number of `least` or more."""
    given = env.str(name, default="") or default
    try:
        value = kind(given)
    except (ValueError, ArithmeticError) as error:
        raise ImproperlyConfigured(f"{name} is no number: {given!r}.") from error
    if not (Decimal(value).is_finite() and value >= least):
        raise ImproperlyConfigured(f"{name} is below {least} or no number: {given!r}.")
    return value


# Security

SECRET_KEY = required("SECRET_KEY", debug_default="only-for-development")
ALLOWED_HOSTS = required("ALLOWED_HOSTS", debug_default="localhost,127.0.0.1,[::1]").split(",")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SESSION_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if not DEBUG:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
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
        **env.db_url_config(
            required("DATABASE_URL", debug_default="postgresql://shorts@127.0.0.1:5432/shorts")
        ),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }
}
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = required("REDIS_URL", debug_default="redis://127.0.0.1:6379/0")
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
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
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
ALLAUTH_TRUSTED_PROXY_COUNT = number("TRUSTED_PROXIES", default="0" if DEBUG else "1", kind=int)
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Shorts"
MFA_ADAPTER = "accounts.adapter.SecondFactorAdapter"
STAFF_SECOND_FACTOR = env.bool("STAFF_SECOND_FACTOR", default=False)
SIGNUP_OPEN = env.bool("SIGNUP_OPEN", default=True)
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
QUOTA_TIME_ZONE = env.str("QUOTA_TIME_ZONE", default="Asia/Seoul")
try:
    ZoneInfo(QUOTA_TIME_ZONE)
except (ZoneInfoNotFoundError, ValueError) as error:
    raise ImproperlyConfigured(
        f"QUOTA_TIME_ZONE is no time zone: {QUOTA_TIME_ZONE!r} (an example: Asia/Seoul)."
    ) from error

# Metering

DEFAULT_TOKEN_LIMIT = number("DEFAULT_TOKEN_LIMIT", default="10000", kind=int)
DEFAULT_MAX_IN_FLIGHT = number("DEFAULT_MAX_IN_FLIGHT", default="3", kind=int)
DAILY_SPEND_LIMIT_USD = (
    number("DAILY_SPEND_LIMIT_USD", default="", kind=Decimal)
    if env.str("DAILY_SPEND_LIMIT_USD", default="")
    else None
)

# Gemini

GEMINI_API_KEY = env.str("GEMINI_API_KEY", default="")
GEMINI_BASE_URL = env.str("GEMINI_BASE_URL", default="")
GOOGLE_CLOUD_PROJECT = env.str("GOOGLE_CLOUD_PROJECT", default="")
GOOGLE_CLOUD_LOCATION = env.str("GOOGLE_CLOUD_LOCATION", default="us-central1")
if not DEBUG and not (GOOGLE_CLOUD_PROJECT or GEMINI_API_KEY or GEMINI_BASE_URL):
    raise ImproperlyConfigured(
        "No route to Gemini is configured: set GOOGLE_CLOUD_PROJECT for Veo, or GEMINI_API_KEY for"
        " Omni (see .env.example)."
    )

# What a video model is given to do, unless staff say otherwise in the admin.
PROVIDER_SUBMITS_PER_MINUTE = number(
    "PROVIDER_SUBMITS_PER_MINUTE", default="300", kind=int, least=1
)
PROVIDER_RENDERS_AT_ONCE = number("PROVIDER_RENDERS_AT_ONCE", default="200", kind=int, least=1)

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

EMAIL_CONFIG = env.email_url_config(env.str("EMAIL_URL", default="") or "consolemail://")
EMAIL_BACKEND = EMAIL_CONFIG["EMAIL_BACKEND"]
EMAIL_HOST = EMAIL_CONFIG.get("EMAIL_HOST") or ""
EMAIL_PORT = EMAIL_CONFIG.get("EMAIL_PORT") or 25
EMAIL_HOST_USER = EMAIL_CONFIG.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD = EMAIL_CONFIG.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS = EMAIL_CONFIG.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = EMAIL_CONFIG.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Shorts <noreply@localhost>")
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
SITE_URL = (
    env.str("SITE_URL", default="") or f"http://127.0.0.1:{env.str('PORT', '') or 8000}"
).rstrip("/")
CONTACT_EMAIL = env.str("CONTACT_EMAIL", default="").strip()
STAFF_EMAILS = [address.strip() for address in env.list("STAFF_EMAILS", default=[]) if address]
STAFF_NOTICE_LEVEL = number("STAFF_NOTICE_LEVEL", default="100", kind=int)

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

LOG_LANGUAGE = env.str("LOG_LANGUAGE", default="ko")
if LOG_LANGUAGE not in ("ko", "en"):
    raise ImproperlyConfigured(f"LOG_LANGUAGE is ko or en, not {LOG_LANGUAGE!r}.")

LOGGING = logs.configured(debug=DEBUG)
