#!/usr/bin/env python
"""Django's command line for the shop."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from shop_assistant.environment import settings_module


def main() -> None:
    try:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
        execute_from_command_line()
    except ImproperlyConfigured as error:
        sys.exit(f"The shop can't start: {error}")


if __name__ == "__main__":
    main()
