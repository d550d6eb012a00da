"""The local scheduler: commands of this project at their times, each a process of its own."""
