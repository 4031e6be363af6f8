"""What is looked at before the shop starts."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from .keys import ring


@register()
def signing_key(**kwargs: Any) -> list[CheckMessage]:
    """A key that is there must be a key; where none is, production does not start (see its settings)."""
    path = settings.AUDIT_SIGNING_KEY_FILE
    if not settings.AUDIT_SIGNING_KEY and not (path and path.exists()):
        return []
    try:
        ring()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="audit.E001")]
    return []
