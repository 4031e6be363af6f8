"""What is expected to be sold of many products. It imports numpy, which a web process has no need of at its start:
import it where it is used.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from inventory import reordering
from inventory.lead_times import LeadTime
from inventory.models import Forecast
from inventory.reorder_reviews import Mean, Outlook
from inventory.reordering.outlooks import (
    NODES,
    Array,
    Lead,
    curves_of_sums,
    normal_curves,
    normal_sd,
    outlooks,
    quantiles_of,
    sums_at,
)


def outlooks_of(
    forecasts: Mapping[int, Forecast],
    means: Mapping[int, Mean],
    terms: Mapping[int, reordering.Terms],
    leads: Mapping[int, LeadTime],
) -> dict[int, Outlook]:
    """By the product's primary key, of those with a forecast or a mean."""
    made = _of_forecasts(forecasts, terms, leads) if forecasts else {}
    return made | (_of_means(means, terms, leads) if means else {})


def _of_forecasts(
    forecasts: Mapping[int, Forecast], terms: Mapping[int, reordering.Terms], leads: Mapping[int, LeadTime]
) -> dict[int, Outlook]:
    keys = list(forecasts)
    stored = [forecasts[key].quantiles for key in keys]
    lead, review = _lead([leads[key] for key in keys]), _review(keys, terms)
    made = outlooks(stored, lead, review)
    at_level = quantiles_of(made.curves, np.array([terms[key].service_level for key in keys]))
    fresh = _fresh(keys, terms)
    perish = np.flatnonzero(fresh > 0)
    curves: dict[int, list[float]] = {}
    expected = sums_at(stored[0]["days"], np.array([each["expected"] for each in stored]), lead.mean + fresh)
    if len(perish):
        sums = np.array([stored[row]["sums"] for row in perish])
        long = curves_of_sums(stored[0]["days"], stored[0]["levels"], sums, lead.nodes[perish], fresh[perish])
        curves = {int(row): curve.tolist() for row, curve in zip(perish, long, strict=True)}
    return {
        key: Outlook(
            demand=reordering.Demand(
                mean=float(made.mean[row]),
                sd=float(made.sd[row]),
                expected=float(made.expected[row]),
                quantile=float(at_level[row]),
                cycle=float(made.cycle[row]),
                fresh=float(expected[row]) if row in curves else None,
            ),
            curve=made.curves[row],
            method=forecasts[key].method,
            daily=[max(float(units), 0.0) for units in forecasts[key].daily],
            kind=forecasts[key].kind,
            error=forecasts[key].backtest.get("wape"),
            fresh_curve=curves.get(row),
        )
        for row, key in enumerate(keys)
    }


def _of_means(
    means: Mapping[int, Mean], terms: Mapping[int, reordering.Terms], leads: Mapping[int, LeadTime]
) -> dict[int, Outlook]:
    keys = list(means)
    mean, sd = (np.array([getattr(means[key], name) for key in keys]) for name in ("mean", "sd"))
    lead, review, fresh = _lead([leads[key] for key in keys]), _review(keys, terms), _fresh(keys, terms)
    expected = mean * (lead.mean + review)
    curves = normal_curves(expected, normal_sd(mean, sd, lead, review))
    at_level = quantiles_of(curves, np.array([terms[key].service_level for key in keys]))
    long = normal_curves(mean * (lead.mean + fresh), normal_sd(mean, sd, lead, fresh))
    return {
        key: Outlook(
            demand=reordering.Demand(
                mean=float(mean[row]),
                sd=float(sd[row]),
                expected=float(expected[row]),
                quantile=float(at_level[row]),
                cycle=float(mean[row] * review[row]),
                fresh=float(mean[row] * (lead.mean[row] + fresh[row])) if fresh[row] else None,
            ),
            curve=curves[row],
            method=f"mean of {means[key].days} days",
            daily=(max(float(mean[row]), 0.0),),
            fresh_curve=long[row].tolist() if fresh[row] else None,
        )
        for row, key in enumerate(keys)
    }


def _lead(leads: Sequence[LeadTime]) -> Lead:
    nodes: dict[LeadTime, list[float]] = {}
    for lead in leads:
        if lead not in nodes:
            nodes[lead] = [lead.quantile(node) for node in NODES]
    return Lead(
        mean=np.array([lead.mean_days for lead in leads]),
        spread=np.array([lead.sd_days for lead in leads]),
        nodes=np.array([nodes[lead] for lead in leads]),
    )


def _review(keys: Sequence[int], terms: Mapping[int, reordering.Terms]) -> Array:
    return np.array([float(terms[key].review_days) for key in keys])


def _fresh(keys: Sequence[int], terms: Mapping[int, reordering.Terms]) -> Array:
    """Shelf life in days; 0: it keeps."""
    return np.array([float(terms[key].shelf_life_days or 0) for key in keys])
