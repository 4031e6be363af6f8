"""Master data to edit, ledgers to look at; stock is changed and goods are taken back through the operations."""

from . import planning, products, sales, stock

__all__ = ["planning", "products", "sales", "stock"]
