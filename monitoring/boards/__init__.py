"""Grafana's boards as code: `python -m monitoring.boards` writes grafana/dashboards/churn/."""
