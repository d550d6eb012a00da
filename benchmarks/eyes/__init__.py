"""What measures the eyes: false alarms, power, coverage."""
