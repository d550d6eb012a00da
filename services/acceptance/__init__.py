"""Acceptance of a running door: the questions that every release must answer, and a load that it must bear."""
