#!/usr/bin/env python
"""Django's command line for the shop."""

import os

from django.core.management import execute_from_command_line

from shop_assistant.environment import settings_module


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
    execute_from_command_line()


if __name__ == "__main__":
    main()
