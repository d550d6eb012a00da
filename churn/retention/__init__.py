"""What a customer is worth, and how long he is expected to stay."""
