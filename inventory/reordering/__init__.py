"""When to order, and how much. Pure; statistics are floats, results Decimals.

A periodic review with a reorder point and an order-up-to level, (R, s, S) in Silver, Pyke & Thomas, Inventory and
Production Management in Supply Chains, 4th ed., ch. 6 and 7: what is ordered at one review has to last until what is
ordered at the next one arrives, so demand is protected over lead time + review.

    reorder point  s = the quantile of the demand of lead time + review, at the service level
    order up to    S = s + expected demand of one review period
    safety stock   s - expected demand of lead time + review

The service level is the share of order cycles without a stock-out. Where demand is smooth, or nothing but its mean and
spread is known, the quantile is that of the normal distribution,

    s = D * P + SS,  SS = z * sqrt(P * sd_D**2 + D**2 * sd_L**2)     P = lead time + review period

with D and sd_D the mean and standard deviation of a day's demand, sd_L that of the lead time and z the normal quantile
of the service level. Source of SS: P. King, Crack the Code, APICS Magazine, July/August 2011, for demand and lead time
that vary independently. Otherwise it is the empirical one of the forecast (of its own past errors), over every lead
time as often as that occurs.

`outlooks`, which needs numpy, computes the demand of many products at a time; the rest does without.
"""

from .cash import Bought, Step, cash_plan, steps_of
from .grid import served
from .planning import plan
from .terms import Demand, Plan, Terms

__all__ = ["Bought", "Demand", "Plan", "Step", "Terms", "cash_plan", "plan", "served", "steps_of"]
