"""Base of the shop's commands: `--help` ends with examples as they are typed."""

import logging
import os
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, ProgrammingError

from shop_assistant.logs import console_quiet
from shop_assistant.vault.keys import keys_check_if_there

key_checks: list[Callable[[], object]] = [keys_check_if_there]
"""Raise ImproperlyConfigured for keys that can't be the shop's. Apps add theirs."""


class ShopCommand(BaseCommand):
    examples = ""
    """Lines below `examples:`, and exit codes where they say more than success or failure."""
    suppressed_base_arguments = {  # noqa: RUF012  (Django declares it without ClassVar)
        *("--version", "--settings", "--pythonpath", "--traceback", "--no-color", "--force-color", "--skip-checks"),
    }
    """Django's own options work, but only get in the way of the command's."""
    shows_log = logging.ERROR
    """From which level on the log's lines appear beside its answer (LOG_LEVEL=debug: all); its file has them all."""
    checks_keys = True
    """Whether it stops at its start when the keys that are set can't be the shop's."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs |= {"epilog": f"examples:\n{self.examples}", "formatter_class": RawDescriptionHelpFormatter}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def run_from_argv(self, argv: list[str]) -> None:
        console_quiet(self.shows_log)
        super().run_from_argv(argv)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Ends quietly, with exit code 1, where nobody reads its output any more."""
        if self.checks_keys:
            for check in key_checks:
                check()
        try:
            told = super().execute(*args, **options)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its end
            raise CommandError("The output was closed before the end.") from None
        except (OperationalError, ProgrammingError) as error:
            if not any(sign in str(error) for sign in ("no such table", "no such column", "does not exist")):
                raise
            raise CommandError("The database is not there yet, or of another version: `manage.py upgrade`.") from error
        return told
