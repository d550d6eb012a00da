"""What a customer row is: the one description that everything else is derived from."""
