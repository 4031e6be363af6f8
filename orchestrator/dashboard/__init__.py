"""The admin's first page: how the shop stands, each tile for those who may see what it tells."""

from .page import dashboard

__all__ = ["dashboard"]
