"""Base of the shop's commands: `--help` ends with examples as they are typed."""

from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandParser


class ShopCommand(BaseCommand):
    examples = ""
    """Lines below `examples:`, and exit codes where they say more than success or failure."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs |= {"epilog": f"examples:\n{self.examples}", "formatter_class": RawDescriptionHelpFormatter}
        return super().create_parser(prog_name, subcommand, **kwargs)
