"""Hooks: events of MLflow, checked, that start the release of a version at Jenkins."""
