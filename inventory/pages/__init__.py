"""Pages of the admin that are no list of a model: what the stock is worth, and how healthy it is."""
