"""Users, their login sessions, and the counters of the rate limits."""

import secrets
import uuid
from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models

SYSTEM_USER_ID = "system"
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def new_public_id() -> str:
    return "USER-" + "".join(secrets.choice(ALPHABET) for _ in range(8))


class User(AbstractUser):
    public_id = models.CharField(
        max_length=32, unique=True, default=new_public_id, help_text="`user_id` in requests, answers, logs and records"
    )

    class Meta(AbstractUser.Meta):  # type: ignore[name-defined]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(public_id__in=["", SYSTEM_USER_ID]), name="user_public_id_not_reserved"
            ),
        ]


class LoginSession(models.Model):
    """One login. Its access and refresh tokens name it, and die with it; the refresh token of the moment is `token`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="login_sessions")
    token = models.UUIDField(default=uuid.uuid4, help_text="the one refresh token that is valid")
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
