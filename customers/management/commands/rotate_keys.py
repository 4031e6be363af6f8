"""The change to new keys, while the shop goes on."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from audit import events
from audit.services import event_record
from customers.lookups import lookups_renew
from customers.models import Customer
from shop_assistant.accounts.models import SYSTEM_USER_ID
from shop_assistant.commands import ShopCommand
from shop_assistant.vault.erasing import old_pages_forget
from shop_assistant.vault.keys import Rewrapped, keys_by_master, keys_rewrap, lookup_is_rotated, lookup_rotated, newest


class Command(ShopCommand):
    help = (
        "Wrap the key of every customer, ticket and request with the newest master key, the first of ENCRYPTION_KEYS; "
        "what they seal is not touched. First put the new key before the old one and restart the shop; afterwards the "
        "old one can go, except where backups made before need it. Stopped, it goes on where it was. With --lookup the "
        "same for LOOKUP_KEY (new, a comma, old): look-ups by e-mail and phone are made anew."
    )
    examples = """\
  manage.py rotate_keys --dry-run     how many keys each master key wraps
  manage.py rotate_keys
  manage.py rotate_keys --lookup

exit codes: 0 everything is under the newest key, 1 some keys could not be opened, 2 wrong usage
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--lookup", action="store_true", help="LOOKUP_KEY instead of the master keys")
        parser.add_argument("--dry-run", action="store_true", help="count, and change nothing")
        parser.add_argument("--batch", type=int, default=500, help="keys a transaction")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["batch"] < 1:
            raise CommandError("--batch must be 1 or more.", returncode=2)
        (self._lookups if options["lookup"] else self._masters)(options["batch"], dry_run=options["dry_run"])

    def _masters(self, batch: int, *, dry_run: bool) -> None:
        (master, _), wrapped = newest(), keys_by_master()
        for key_id, count in wrapped.items():
            self.stdout.write(f"{key_id}: {count} keys" + (", the newest" if key_id == master else ""))
        todo = sum(count for key_id, count in wrapped.items() if key_id != master)
        if dry_run:
            self.stdout.write(f"{todo} would be wrapped with {master}. A dry run: nothing was changed.")
            return
        told = Rewrapped()
        with tqdm(total=todo, disable=None, leave=False, desc="rotate_keys") as bar:
            for told in keys_rewrap(batch=batch):
                bar.update(told.done - bar.n)
        if told.done:
            old = sorted(set(wrapped) - {master})
            event_record(events.KEY_ROTATED, user_id=SYSTEM_USER_ID, kind="master", old=old, new=master, keys=told.done)
            old_pages_forget()
        self.stdout.write(f"{told.done} keys are wrapped with {master} now.")
        if told.failed:
            shown = ", ".join(told.failed[:5])
            raise CommandError(f"{len(told.failed)} keys could not be opened and stay as they were: {shown}.")

    def _lookups(self, batch: int, *, dry_run: bool) -> None:
        if dry_run:
            count = Customer.objects.filter(erased_at=None).count()
            state = "are made with the newest LOOKUP_KEY" if lookup_is_rotated() else "would be made anew"
            self.stdout.write(f"The look-ups of {count} customers {state}. A dry run: nothing was changed.")
            return
        needed, done = not lookup_is_rotated(), 0
        with tqdm(disable=None, leave=False, desc="rotate_keys") as bar:
            for done in lookups_renew(batch=batch):
                bar.update(done - bar.n)
        lookup_rotated()
        if needed:
            event_record(events.KEY_ROTATED, user_id=SYSTEM_USER_ID, kind="lookup", customers=done)
        self.stdout.write(f"The look-ups of {done} customers are made with the newest LOOKUP_KEY now.")
