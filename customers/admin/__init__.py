"""The staff's pages of customers, tickets and points. Names are shown on a customer's own page only, never in lists."""

from . import erasure, loyalty, people, support

__all__ = ["erasure", "loyalty", "people", "support"]
