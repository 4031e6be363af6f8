"""Forgetting what is over."""

from django.contrib.sessions.models import Session
from django.utils import timezone

from shop_assistant.agents.jobs import every

from .limits import counts_prune
from .lockout import attempts_prune
from .models import LoginSession


@every(seconds=3600)
def prune() -> None:
    counts_prune()
    attempts_prune()
    LoginSession.objects.filter(expires_at__lt=timezone.now()).delete()
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
