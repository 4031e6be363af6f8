"""Customers, what they bought and said, their tickets and their points."""

from .erasure import ErasureRequest
from .loyalty import LoyaltyAccount, LoyaltyEntry
from .people import Customer, CustomerLookup, CustomerOrder, Interaction
from .support import SentimentScore, Ticket, TicketMessage

__all__ = [
    "Customer",
    "CustomerLookup",
    "CustomerOrder",
    "ErasureRequest",
    "Interaction",
    "LoyaltyAccount",
    "LoyaltyEntry",
    "SentimentScore",
    "Ticket",
    "TicketMessage",
]
