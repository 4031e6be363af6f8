"""Tables that people hand in: CSV and spreadsheets of other shops, read row by row. Pure."""
