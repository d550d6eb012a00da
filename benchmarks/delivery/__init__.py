"""What measures delivery: the stores that a company may choose between."""
