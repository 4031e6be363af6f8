"""Reasons of movements that an import made to fit its sales into the stock: nobody counted those goods."""

OPENING = "opening stock, from an import"
CLOSING = "what an import left of the time before the first count"
TOPPED_UP = "sold without being booked in, from an import"
FITTED = (OPENING, CLOSING, TOPPED_UP)
