"""What is looked at before the shop starts."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

from .checkpoints import key_check_if_there
from .keys import ring_given


@register()
def signing_key(**kwargs: Any) -> list[CheckMessage]:
    """A key that is there must be a key; where none is, production does not start (see its settings)."""
    try:
        ring_given()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="audit.E001")]
    return []


@register(Tags.database)
def signing_key_of_the_log(databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Asked of databases that are named: `manage.py check --database default`."""
    try:
        if settings.AUDIT_DATABASE in (databases or ()):
            key_check_if_there()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="audit.E002")]
    return []
