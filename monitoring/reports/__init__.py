"""Reports: every page that the eyes have written in one index, and how things stand in a summary."""
