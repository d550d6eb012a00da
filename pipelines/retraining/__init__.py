"""What `churn retrain` is made of: the labelled table, what it decides from, and the attempt that may follow."""
