"""What `churn simulate` does with a world: files, a history in the churn store, and live traffic."""
