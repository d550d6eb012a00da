"""The eyes: what was seen, whether it drifted, and what Prometheus reads."""
