"""The second factor of somebody's login, for whoever sits at the server."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from orchestrator.logins import second_factor_reset
from shop_assistant.accounts.models import SYSTEM_USER_ID, User
from shop_assistant.accounts.second_factor import has_device, must_have, recovery_codes_left
from shop_assistant.commands import ShopCommand


class Command(ShopCommand):
    help = (
        "Say whether a user has a second factor, and take it off who has lost device and recovery codes: the user is "
        "logged out everywhere and sets up another one at the next login. The trail tells of it."
    )
    examples = """\
  manage.py second_factor owner
  manage.py second_factor owner --reset

exit codes: 0 told or taken off, 1 there is no such user or nothing to take off, 2 wrong usage
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="the user name")
        parser.add_argument("--reset", action="store_true", help="take the second factor off")
        parser.add_argument("--dry-run", action="store_true", help="only say what --reset would do")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']}.")
        if not options["reset"]:
            self.stdout.write(_told(user))
        elif not has_device(user):
            raise CommandError(f"{user} has no second factor that could be taken off.")
        elif options["dry_run"]:
            self.stdout.write(f"{user} would lose the second factor and be logged out everywhere.")
        else:
            second_factor_reset(user, by=SYSTEM_USER_ID, channel="command")
            self.stdout.write(f"{user} has no second factor any more and is logged out everywhere.")


def _told(user: User) -> str:
    if has_device(user):
        return f"{user} has a second factor and {recovery_codes_left(user)} recovery codes left."
    return f"{user} has no second factor" + (" and must set one up at the next login." if must_have(user) else ".")
