"""Formats: how tables come in and answers go out."""
