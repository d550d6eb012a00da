"""Roles: what a person or a key may do."""

from typing import Literal, get_args

Role = Literal["client", "viewer", "analyst", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Each may do what those before it may: a client predicts, a viewer reads, an analyst brings data, an admin decides."""
