"""The stock under load: a shop of fifty hot SKUs in a database of its own, many processes that sell, reserve, return,
move, count and receive at once, one that watches, and a judgement of what is left.
"""
