"""The verbs: one file per stage, one stage per MLproject entry point."""
