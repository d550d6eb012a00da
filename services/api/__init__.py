"""The application behind both doors: one file per resource."""
