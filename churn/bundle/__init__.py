"""The immutable directory that is registered, promoted, served and audited."""
