#!/opt/holdfast/bin/python
"""`churn`; what multiprocessing starts reads it again, and must not run it."""

from cli.main import run

if __name__ == "__main__":
    run()
