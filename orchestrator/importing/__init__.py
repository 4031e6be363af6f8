"""Files of other shops, taken in: products (`products`) and sales (`sales`)."""
