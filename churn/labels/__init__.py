"""From an event log or a usage table to a labelled customer table."""
