"""What a backup is made of, and how it goes back: files, volumes, databases, proofs."""
