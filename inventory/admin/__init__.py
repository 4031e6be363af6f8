"""Master data to edit, ledgers to look at; stock is changed and goods are taken back through the operations."""

from . import counting, places, planning, products, purchasing, reserving, sales, stock, suppliers

__all__ = ["counting", "places", "planning", "products", "purchasing", "reserving", "sales", "stock", "suppliers"]
