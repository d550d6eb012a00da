"""The commands of the host: start, smoke test, backup. They need docker, make and Python 3.11, nothing else."""
