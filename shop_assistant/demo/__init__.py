"""A real shop's year, as data: `reader` reads it, `make_extract` made it, ATTRIBUTION.md says whose it is."""
