"""Letting somebody log in again who has failed too often."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from orchestrator.logins import login_unlock
from shop_assistant.accounts.lockout import locked_until
from shop_assistant.accounts.models import SYSTEM_USER_ID, User
from shop_assistant.commands import ShopCommand


class Command(ShopCommand):
    help = (
        "Let a user try to log in again at once who has to wait after too many failures, at whatever address. "
        "The trail tells of it."
    )
    examples = """\
  manage.py unlock clerk
  manage.py unlock clerk --dry-run

exit codes: 0 done, or there was nothing to do, 1 there is no such user, 2 wrong usage
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="the user name")
        parser.add_argument("--dry-run", action="store_true", help="only say until when the user has to wait")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']}.")
        until = locked_until(username=user.get_username())
        waiting = f"until {timezone.localtime(until):%H:%M:%S}" if until else "nowhere"
        if options["dry_run"]:
            self.stdout.write(f"{user} has to wait {waiting}.")
        elif login_unlock(user, by=SYSTEM_USER_ID, channel="command"):
            self.stdout.write(f"{user} may try again at once (had to wait {waiting}).")
        else:
            self.stdout.write(f"{user} has no failed logins to forget.")
