"""What `make smoke` checks, a file for each subject."""
