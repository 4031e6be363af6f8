"""The web application, as the server loads it."""

import os

from django.core.wsgi import get_wsgi_application

from shop_assistant.environment import settings_module

os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
application = get_wsgi_application()

from audit.checkpoints import key_check_if_there  # noqa: E402  (models need the settings)
from shop_assistant.vault.keys import keys_check_if_there  # noqa: E402

keys_check_if_there()
key_check_if_there()
