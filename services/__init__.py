"""The doors: they translate and delegate to one scorer."""
