"""In the place of django-simple-history's command of this name, which the shop's histories don't take either."""

from .clean_old_history import Command

__all__ = ["Command"]
