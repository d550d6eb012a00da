"""The search of parameters: one Optuna study over all candidates, shared by processes and machines."""

from pipelines.search.search import Search, Searched
from pipelines.search.study import storage_of

__all__ = ["Search", "Searched", "storage_of"]
