"""What a command of the host tells when it can't go on."""


class HostError(Exception):
    """A reason that whoever runs the host can act on: what, where, and what to do."""
