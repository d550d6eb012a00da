"""Migrations of the SQL store, one file per step; never edited once released."""
