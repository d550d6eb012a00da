"""Access: who asks, what they may, and how often."""
