"""Customers month by month, whose chances of leaving are known: the laboratory for every statistical claim."""
