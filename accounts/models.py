"""The user, who logs in by e-mail address, and the API keys that act for a user."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken, AuthTokenManager


class UserManager(BaseUserManager["User"]):
    """Makes users from an e-mail address and a password."""

    use_in_migrations = True

    def get_by_natural_key(self, username: str | None) -> "User":
        """The user of an e-mail address, whatever its case. Raises User.DoesNotExist."""
        return self.get(email__iexact=username)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Store a new user. Raises ValueError without an e-mail address."""
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Store a new user who may do everything in the admin."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractUser):  # type: ignore[django-manager-missing]  # knox has no types
    """A person. The e-mail address is the login and is unique whatever its case."""

    username = None  # type: ignore[assignment]  # Django says to do so
    email = models.EmailField(_("e-mail address"), unique=True)
    language = models.CharField(
        _("language"), max_length=8, choices=settings.LANGUAGES, blank=True, default=""
    )
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, default="")
    mail_notices = models.BooleanField(_("mail about used tokens"), default=True)

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]  # theirs has usernames

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_unique_whatever_case",
                violation_error_message=_("There is already an account with this e-mail address."),
            )
        ]

    def __str__(self) -> str:
        return self.email


class ApiKey(AbstractAuthToken):
    """A key for the REST API. Only its hash is stored; the key itself is shown once."""

    name = models.CharField(_("name"), max_length=100)
    last_used = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)

    objects: ClassVar[AuthTokenManager] = AuthTokenManager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-created"]

    def __str__(self) -> str:
        return self.name


class SignupSwitch(models.Model):
    """Staff open or close the sign-up, or leave it to the setting again. The newest row decides."""

    is_open = models.BooleanField(_("open"), null=True)
    reason = models.CharField(_("reason"), max_length=500)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("by whom"),
    )
    switched_at = models.DateTimeField(_("time"))

    class Meta:
        verbose_name = _("sign-up switch")
        verbose_name_plural = _("sign-up switch")
        constraints = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="signup_switch_has_reason")
        ]

    def __str__(self) -> str:
        return str(self.switched_at)


class CacheEntry(models.Model):
    """What Django's cache holds for all processes (see CACHES), which alone reads and writes it."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        # Nobody has rights to it, so that none are offered in the admin.
        default_permissions = ()

    def __str__(self) -> str:
        return self.cache_key
