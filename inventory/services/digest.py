"""The daily e-mail of what the stock needs. Products and figures only: nothing in it is personal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from smtplib import SMTPException
from uuid import UUID, uuid4

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format, number_format

from audit.services import event_record
from inventory.models import Digest
from inventory.selectors.alerts import Alert, stock_alerts
from inventory.selectors.analysis import Look, details
from inventory.selectors.health import stock_health
from shop_assistant.accounts.models import SYSTEM_USER_ID
from shop_assistant.agents.errors import ExternalServiceError

LISTED = 10
LEASE = timedelta(minutes=10)
"""So long nobody else tries; who dies while sending leaves it to the next one then."""


@dataclass(frozen=True, slots=True)
class Message:
    subject: str
    body: str
    counts: dict[str, int]
    """by kind of alert"""


def digest_write(*, now: datetime) -> Message:
    """Today's, whether there is anything to do or not."""
    today = timezone.localdate(now)
    alerts = stock_alerts(now=now)
    health = stock_health(today=today)
    running_out = health.asked("stock_out")[:LISTED]
    dead = health.asked("dead")[:LISTED]
    details([*running_out, *dead], today=today)
    parts = [
        "\n".join(_told(alert) for alert in alerts) or "Nothing needs doing.",
        _listed("Runs out first", [_running_out(look, today) for look in running_out]),
        _listed("Lies dead, by what it has cost", [_dead(look) for look in dead]),
        "The dashboard leads to each of these. DIGEST_TO and DIGEST_AT say who gets this, and when.",
    ]
    subject = f"{settings.SHOP_NAME}: stock on {date_format(today, 'j F Y')}"
    return Message(subject, "\n\n".join(filter(None, parts)) + "\n", {alert.key: alert.count for alert in alerts})


def digest_send(*, to: str, now: datetime) -> Message:
    """Send it to this address now, whatever was sent today; the trail is told of it, without the address.

    :raises ExternalServiceError: when the mail server did not take it.
    """
    message = digest_write(now=now)
    _post(message, to, uuid4().hex)
    _record(message, timezone.localdate(now), daily=False)
    return message


def digest_daily(*, now: datetime) -> bool:
    """Send today's to DIGEST_TO, if its time has come and nobody has; whether it was sent.

    :raises ExternalServiceError: when the mail server did not take it; it is tried again after a while.
    """
    today, token = timezone.localdate(now), uuid4()
    if not settings.DIGEST_TO or timezone.localtime(now).time() < settings.DIGEST_AT or not _taken(today, token, now):
        return False
    message = digest_write(now=now)
    _post(message, settings.DIGEST_TO, str(today))
    with transaction.atomic():
        if Digest.objects.filter(day=today, lease_token=token, sent_at=None).update(sent_at=timezone.now()):
            _record(message, today, daily=True)
    return True


def _taken(day: date, token: UUID, now: datetime) -> bool:
    """Whether it is ours to send: under the row's lock, nobody has sent it or is about to."""
    with transaction.atomic():
        Digest.objects.bulk_create([Digest(day=day, lease_until=now, lease_token=token)], ignore_conflicts=True)
        row = Digest.objects.select_for_update().get(day=day)
        if row.sent_at or row.lease_until > now:
            return False
        row.lease_until, row.lease_token = now + LEASE, token
        row.save()
    return True


def _post(message: Message, to: str, identity: str) -> None:
    """:param identity: the same for the same message, so that a mailbox that gets it twice can tell.
    :raises ExternalServiceError:
    """
    mail = EmailMessage(subject=message.subject, body=message.body, to=[to])
    mail.extra_headers["Message-ID"] = f"<{identity}@digest>"
    try:
        mail.send()
    except (OSError, SMTPException) as error:
        raise ExternalServiceError(
            f"The mail was not sent ({type(error).__name__}): see EMAIL_HOST and what follows it."
        ) from None


def _record(message: Message, day: date, *, daily: bool) -> None:
    event_record("DIGEST_SENT", user_id=SYSTEM_USER_ID, day=str(day), daily=daily, alerts=message.counts)


def _told(alert: Alert) -> str:
    value = f" ({_money(alert.value)} tied up)" if alert.value else ""
    return f"{alert.count:>6}  {alert.text}{value}"


def _listed(title: str, lines: Sequence[str]) -> str:
    return "\n".join([f"{title}:", *lines]) if lines else ""


def _running_out(look: Look, today: date) -> str:
    when = "sold out" if look.available <= 0 else "today" if look.stock_out == today else _day(look.stock_out)
    return f"  {look.sku}  {look.name}: {_number(look.available)} available, {when}"


def _dead(look: Look) -> str:
    sold = f"last sold {_day(look.last_sale)}" if look.last_sale else "never sold"
    return f"  {look.sku}  {look.name}: {_number(look.on_hand)} on hand, {_money(look.value)}, {sold}"


def _day(day: date | None) -> str:
    return date_format(day, "j M Y") if day else "no end in sight"


def _number(value: Decimal) -> str:
    return number_format(value.normalize(), force_grouping=True)


def _money(value: Decimal) -> str:
    return f"{number_format(value, force_grouping=True)} {settings.SHOP_CURRENCY}"
