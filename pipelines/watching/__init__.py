"""What a watch is made of: doors' pages of metrics, what they add up to, and the rules that call it off."""
