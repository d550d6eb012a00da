"""The vocabulary: nouns and pure functions. Only `churn.stores` speaks to the registry and to SQL."""
