"""The log: every prediction and every move in blocks, each of which names the hash of the one before."""
