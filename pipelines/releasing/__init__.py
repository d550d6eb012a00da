"""What a release is made of: its plan, its stages, and what each one is stopped for."""
