"""What measures: run from the repository, never shipped."""
