"""What the gate's stage gathers and keeps: rows, guards, verdicts."""
