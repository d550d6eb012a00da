"""One file per candidate, and the table CANDIDATES."""
