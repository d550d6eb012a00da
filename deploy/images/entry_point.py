#!/opt/holdfast/bin/python
"""`churn`."""

from cli.main import run

if __name__ == "__main__":  # the processes that it starts read this file too
    run()
