"""The `churn` command: a thin face over the shells."""
