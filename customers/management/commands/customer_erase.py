"""Erasing a customer, in two steps."""

import json
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from customers.erasure_presenting import erased_told
from customers.selectors import customer_get
from customers.services.erasing import PERMISSION
from shop_assistant.accounts.four_eyes import others_may
from shop_assistant.accounts.models import User
from shop_assistant.accounts.roles import system_user
from shop_assistant.agents import call
from shop_assistant.agents.errors import AgentError, ValidationFailed
from shop_assistant.commands import ShopCommand


class Command(ShopCommand):
    help = (
        "Erase a customer (GDPR, article 17): the keys of everything personal are destroyed, for ever; orders and "
        "points stay as numbers, without a name. The first call asks for it, a second one confirms: another person "
        "where the shop has another who may, else the same one again."
    )
    examples = """\
  manage.py customer_erase CUST001 --reason "asked for by letter of 3 March" --user manager
  manage.py customer_erase CUST001 --confirm E-000001 --user owner
  manage.py customer_erase CUST001 --confirm E-000001 --user owner --twice     in a shop of one
  manage.py customer_erase CUST001 --decline E-000001 --user owner
  manage.py customer_erase CUST001 --dry-run                                   what is kept of them, and why

exit codes: 0 asked for, erased (also: erased before) or declined, 1 refused, and why, 2 wrong usage
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("customer", help="the customer's id")
        parser.add_argument("--reason", metavar="TEXT", help="why; kept sealed, and erased with the person")
        parser.add_argument(
            "--ground",
            choices=["asked", "consent_withdrawn", "not_needed", "unlawful"],
            default="asked",
            help="of GDPR article 17 (1); stays in the trail",
        )
        step = parser.add_mutually_exclusive_group()
        step.add_argument("--confirm", metavar="REQUEST", help="erase what was asked for as E-000001")
        step.add_argument("--decline", metavar="REQUEST", help="close the request; nothing is erased")
        step.add_argument("--dry-run", action="store_true", help="say what would be kept, and change nothing")
        parser.add_argument("--twice", action="store_true", help="confirm your own request, where nobody else may")
        parser.add_argument("--user", metavar="USERNAME", help="who does it; left out: this machine's user `system`")
        parser.add_argument("--json", action="store_true", help="print the answer as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            told = self._do(options)
        except AgentError as error:
            raise CommandError(
                _told(error, options), returncode=2 if isinstance(error, ValidationFailed) else 1
            ) from None
        if options["json"]:
            self.stdout.write(json.dumps(told, indent=2))
        else:
            self._tell(told, dry_run=options["dry_run"])

    def _do(self, options: dict[str, Any]) -> dict[str, Any]:
        user = _user(options["user"])
        if options["dry_run"]:
            return erased_told(customer_get(customer_id=options["customer"])).model_dump(mode="json")
        reference = options["confirm"] or options["decline"]
        if reference is None:
            if not options["reason"]:
                raise CommandError("Say why: --reason TEXT (it is kept sealed).", returncode=2)
            asked = {"customer_id": options["customer"], "reason": options["reason"], "ground": options["ground"]}
            return call("customers", "request_erasure", asked, user=user, channel="command")
        request = {"request": reference, "customer_id": options["customer"]}
        if options["decline"]:
            request |= {"decision": "decline"}
        elif options["twice"]:
            request |= {"confirm": True}
        return call("customers", "erase", request, user=user, channel="command")

    def _tell(self, told: dict[str, Any], *, dry_run: bool) -> None:
        customer, request = told["customer_id"], told["request"]
        if dry_run:
            self.stdout.write(f"Of {customer} there would stay, without a name:")
        elif told["status"] == "erased":
            self.stdout.write(
                f"{customer} was erased on {_local(told['erased_at'])} ({told['approval'] or told['ground']})."
            )
            gone = ", ".join(_counted(count, what) for what, count in told["erased"].items())
            self.stdout.write(f"  gone: {gone}")
            self.stdout.write(f"  receipt: {told['receipt']}")
        else:
            self.stdout.write(
                f"{request}: the erasure of {customer} is {told['status']}, due by {_local(told['due_at'])}."
            )
        for kept in told["kept"]:
            self.stdout.write(f"  stays: {kept['count']} {kept['what']}. {kept['why']}")
        for note in told["notes"]:
            self.stdout.write(f"  note: {note}")
        if told["status"] == "requested" and not dry_run:
            self.stdout.write(f"Confirm it: manage.py customer_erase {customer} --confirm {request} {_who(told)}")


def _who(told: dict[str, Any]) -> str:
    """The next step's last options: another person, or in a shop of one the same again."""
    asked = User.objects.filter(public_id=told["requested_by"]).first()
    if asked is None or others_may(PERMISSION, asked.public_id):
        return "--user NAME"
    return f"--user {asked.username} --twice"


def _counted(count: int, what: str) -> str:
    """`1 key`, `2 look-ups`"""
    thing, *more = what.split("_")
    return " ".join([str(count), thing.removesuffix("s") if count == 1 else thing, *more])


def _local(moment: str) -> str:
    return f"{timezone.localtime(datetime.fromisoformat(moment)):%Y-%m-%d %H:%M}"


def _user(name: str | None) -> User:
    if name is None:
        return system_user()
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        raise CommandError(f"There is no user {name}.")
    return user


def _told(error: AgentError, options: dict[str, Any]) -> str:
    fields = error.details.get("fields", {})
    if error.details.get("missing") == "confirm":
        user = f" --user {options['user']}" if options["user"] else ""
        again = f"manage.py customer_erase {options['customer']} --confirm {options['confirm']}{user} --twice"
        return f"{error.message} Here: {again}"
    return " ".join([error.message, *(f"{name}: {what}." for name, what in fields.items())])
