"""Sealed records live in the audit database where AUDIT_DB_URL names one, everything else in the shop's."""

from typing import Any

from django.conf import settings

SEALED_MODELS = {"auditrecord", "checkpoint", "anchoring", "signingkey", "merkletile"}


class AuditRouter:
    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return settings.AUDIT_DATABASE if _is_sealed(model._meta.app_label, model._meta.model_name) else None

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool | None:
        if _is_sealed(app_label, model_name):
            return db == settings.AUDIT_DATABASE
        return db == "default"


def _is_sealed(app_label: str, model_name: str | None) -> bool:
    return app_label == "audit" and model_name in SEALED_MODELS
