"""The demo shop's data."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from orchestrator.demo import another_shop, load_examples, load_staff, load_year
from shop_assistant.commands import ShopCommand


class Command(ShopCommand):
    help = (
        "Load the demo shop: its users, the entities of the README's examples and a real year of trade. What is "
        "there already stays as it is."
    )
    examples = """\
  manage.py load_demo
  manage.py load_demo --examples-only
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--examples-only", action="store_true", help="without the year of trade")

    def handle(self, *args: Any, **options: Any) -> None:
        if another_shop():
            raise CommandError("There is a shop here already: the demo only goes into an empty one (see VAR_DIR).")
        load_staff()
        if load_examples():
            self.stdout.write("Loaded the examples.")
        if options["examples_only"]:
            return
        if load_year(progress=lambda text: self.stdout.write(f"  {text}")):
            self.stdout.write("Loaded a year of trade.")
