"""The stock under load."""
