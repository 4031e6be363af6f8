"""Users, their login sessions and second factors, and the counters of the rate limits."""

import secrets
import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models, transaction
from django.db.models.signals import m2m_changed
from django.dispatch import receiver
from django.utils import timezone
from django.utils.crypto import salted_hmac
from simple_history.signals import pre_create_historical_record

from shop_assistant.tracking import TrackedManager, state_write, tracked

SYSTEM_USER_ID = "system"
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def new_public_id() -> str:
    return "USER-" + "".join(secrets.choice(ALPHABET) for _ in range(8))


class Users(TrackedManager, UserManager["User"]):
    """Who is created and found as Django does it, and changed only with a history."""


class WithRoles(models.Model):
    roles = models.CharField(max_length=500, blank=True, help_text="names of the groups, by commas")

    class Meta:
        abstract = True


class User(AbstractUser):
    public_id = models.CharField(
        max_length=32, unique=True, default=new_public_id, help_text="`user_id` in requests, answers, logs and records"
    )

    session_epoch = models.PositiveIntegerField(
        default=0, editable=False, help_text="raised by one, it ends every login of before: sessions and tokens alike"
    )

    objects = Users()  # type: ignore[misc]
    history = tracked(
        late=True,
        bases=[WithRoles],
        excluded_fields=[  # no names and no passwords: what may have to be forgotten is not kept for ever
            *("password", "last_login", "username", "first_name", "last_name", "email", "date_joined", "session_epoch"),
        ],
    )

    ACCESS: ClassVar = ("password", "is_active", "is_staff", "is_superuser")
    """What nobody stays logged in over when it changes; so it is with the roles (`sessions_end`)."""

    class Meta(AbstractUser.Meta):  # type: ignore[name-defined]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(public_id__in=["", SYSTEM_USER_ID]), name="user_public_id_not_reserved"
            ),
        ]

    def save(self, *args: Any, **options: Any) -> None:
        """Whoever changes a password or an access, by whatever way, ends the logins of before."""
        fields = options.get("update_fields")
        if self._state.adding or (fields is not None and not {*self.ACCESS} & {*fields}):
            super().save(*args, **options)
            return
        with transaction.atomic():
            kept = User.objects.select_for_update().filter(pk=self.pk).values_list("session_epoch", *self.ACCESS)
            epoch, *before = kept.first() or (self.session_epoch,)
            # The same password under a better hash, which Django makes at a login, is no other password.
            hashed_anew = getattr(self, "_password", None) is None and fields is not None and {*fields} == {"password"}
            if before and not hashed_anew and before != [getattr(self, name) for name in self.ACCESS]:
                epoch += 1
                self._revoke("password or access changed")
            self.session_epoch = epoch  # what another process has raised meanwhile is not set back
            if fields is not None:
                options["update_fields"] = {*fields, "session_epoch"}
            super().save(*args, **options)

    def sessions_end(self, because: str) -> None:
        """Log this user out everywhere: the admin's sessions, and both tokens of every login."""
        with transaction.atomic():
            User.objects.filter(pk=self.pk).update(session_epoch=models.F("session_epoch") + 1)
            self._revoke(because)
        self.refresh_from_db(fields=["session_epoch"])

    def _revoke(self, because: str) -> None:
        self.login_sessions.filter(revoked_at=None).update(revoked_at=timezone.now(), revoked_because=because)

    def _get_session_auth_hash(self, secret: Any = None) -> str:
        """Binds the admin's sessions to the password, as Django does, and to the epoch."""
        bound = f"{self.session_epoch}:{self.password}"
        return salted_hmac("accounts.User.session", bound, secret=secret, algorithm="sha256").hexdigest()


def roles_of(user: User) -> str:
    return ",".join(sorted(group.name for group in user.groups.all()))[:500]


@receiver(pre_create_historical_record)
def _keep_roles(sender: Any, instance: Any, history_instance: Any, **kwargs: Any) -> None:
    if isinstance(instance, User):
        history_instance.roles = roles_of(instance)


@receiver(m2m_changed, sender=User.groups.through)
def _roles_changed(sender: Any, instance: Any, action: str, reverse: bool, pk_set: Any, **kwargs: Any) -> None:
    """A history like that of the user's own columns; and whoever has another role logs in anew."""
    if reverse and action == "pre_clear":
        raise TypeError("A role can't be taken from all users at once: their histories would not tell.")
    if action.startswith("post_"):
        for user in User.objects.filter(pk__in=pk_set or ()) if reverse else [instance]:
            state_write(user)
            if pk_set or action == "post_clear":
                user.sessions_end("roles changed")


class LoginSession(models.Model):
    """One login. Its access and refresh tokens name it, and die with it; the refresh token of the moment is `token`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="login_sessions")
    token = models.UUIDField(default=uuid.uuid4, help_text="the one refresh token that is valid")
    epoch = models.PositiveIntegerField(default=0, help_text="the user's session_epoch at the login; ends with it")
    created_at = models.DateTimeField(auto_now_add=True)
    rotated_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_because = models.CharField(max_length=40, blank=True)

    def __str__(self) -> str:
        return f"{self.user} since {self.created_at:%Y-%m-%d %H:%M}"


class RateCount(models.Model):
    """Requests of one caller within a window that began with the first of them."""

    caller = models.CharField(max_length=64, primary_key=True, help_text="a keyed hash of the user's id or address")
    started_at = models.DateTimeField()
    count = models.PositiveIntegerField()
    seconds = models.PositiveIntegerField(help_text="length of the window")

    def __str__(self) -> str:
        return f"{self.caller}: {self.count}"


class LoginAttempts(models.Model):
    """Attempts to log in under one name from one address since the last success: who fails often has to wait."""

    login = models.CharField(max_length=32, help_text="a keyed hash of the user name that was tried")
    address = models.CharField(max_length=32, help_text="a keyed hash of the address")
    failures = models.PositiveIntegerField(default=0)
    tried_at = models.DateTimeField()
    locked_until = models.DateTimeField(null=True, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["login", "address"], name="login_attempts_unique")]
        verbose_name_plural = "login attempts"

    def __str__(self) -> str:
        return f"{self.login} from {self.address}: {self.failures}"


class SecondFactor(models.Model):
    """The device of a user that makes codes from the time (RFC 6238)."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="second_factor")
    secret = models.TextField(help_text="sealed under the user's key")
    last_step = models.BigIntegerField(default=0, help_text="the time step of the last code; older ones are used up")
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True, blank=True, help_text="when its first code was right")

    def __str__(self) -> str:
        return f"second factor of {self.user}"


class RecoveryCode(models.Model):
    """Logs in once in place of the device. Of 80 random bits, so that a plain hash of it gives nothing away."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the user's id and the code")
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "digest"], name="recovery_code_unique")]

    def __str__(self) -> str:
        return f"recovery code of {self.user}"
