"""`churn demo`: the whole ring once, on this machine, without any server to install."""
