"""Rounding and tax, the same wherever the shop works with money. Pure."""

from decimal import ROUND_HALF_UP, Decimal

from babel.numbers import get_currency_precision

HUNDRED = Decimal(100)
BOOKABLE = Decimal(10) ** 10
"""Amounts from here on don't fit into the shop's money columns (ten digits before the point)."""


def minor_unit(currency: str) -> Decimal:
    """The smallest amount of a currency: 0.01 for EUR, 1 for JPY, 0.001 for KWD (Unicode CLDR)."""
    return Decimal(1).scaleb(-get_currency_precision(currency))


def round_money(amount: Decimal, currency: str) -> Decimal:
    """The amount in whole minor units of the currency, halves away from zero."""
    return amount.quantize(minor_unit(currency), ROUND_HALF_UP)


def is_price(amount: Decimal, currency: str) -> bool:
    """Whether a product can have this price: not negative, in whole minor units, within the shop's columns."""
    return 0 <= amount < BOOKABLE and amount == round_money(amount, currency)


def tax_of(amount: Decimal, rate: Decimal, *, included: bool) -> Decimal:
    """The tax contained in an amount (`included`) or to be added to it, not rounded. `rate` is in percent."""
    return amount * rate / (HUNDRED + rate if included else HUNDRED)
