"""The e-mail of what the stock needs, now."""

from argparse import ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.core.validators import validate_email
from django.utils import timezone

from inventory.services.digest import digest_send, digest_write
from shop_assistant.agents.errors import ExternalServiceError
from shop_assistant.commands import ShopCommand


class Command(ShopCommand):
    help = (
        "Send the e-mail of what the stock needs: what is out of stock, low, oversold, expiring, late or dead. The "
        "worker sends it daily (DIGEST_TO, DIGEST_AT); this sends it now, beside that one. Nothing in it is personal."
    )
    examples = """\
  manage.py inventory_digest --dry-run                  prints it
  manage.py inventory_digest                            to DIGEST_TO
  manage.py inventory_digest --to manager@example.com

exit codes: 0 sent or printed, 1 the mail server did not take it, 2 wrong usage, or nobody to send it to
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", type=_address, metavar="ADDRESS", help="left out: DIGEST_TO")
        parser.add_argument("--dry-run", action="store_true", help="print it, send nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        now, to = timezone.now(), options["to"] or settings.DIGEST_TO
        if options["dry_run"]:
            message = digest_write(now=now)
            self.stdout.write(f"Subject: {message.subject}\n\n{message.body}", ending="")
            return
        if not to:
            raise CommandError("Nobody to send it to: name an address (--to), or set DIGEST_TO.", returncode=2)
        try:
            message = digest_send(to=to, now=now)
        except ExternalServiceError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"Sent: {message.subject}")


def _address(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        raise ArgumentTypeError(f"{text!r} is no e-mail address") from None
    return text
