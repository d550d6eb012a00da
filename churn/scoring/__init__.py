"""From a customer row to a probability and a decision: what every door calls."""
