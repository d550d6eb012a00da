"""Staging: a version at a door of its own, where nobody is a customer."""
