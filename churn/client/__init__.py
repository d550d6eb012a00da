"""A client of the doors for Python programs: it fails over, tries again, and stores nothing twice."""

from churn.client.client import Client

__all__ = ["Client"]
