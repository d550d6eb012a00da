#!/opt/holdfast/bin/python
"""`churn`."""

from cli.main import run

run()
