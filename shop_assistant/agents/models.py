"""No tables: a content type for the operations' permissions to belong to."""

from django.db import models


class OperationPermission(models.Model):
    class Meta:
        managed = False
        default_permissions = ()
        verbose_name = "operation"

    def __str__(self) -> str:
        return "operation"
