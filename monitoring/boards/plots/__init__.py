"""Panels as plots: what Grafana draws of each kind, in matplotlib."""
