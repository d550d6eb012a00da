"""The benchmark card: the whole procedure against what a user would pick instead, on the same folds."""
