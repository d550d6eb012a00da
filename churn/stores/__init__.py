"""The only code that speaks to the MLflow registry and to SQL."""
