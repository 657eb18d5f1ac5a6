"""What a user can mend."""

from __future__ import annotations


class MendableError(Exception):
    """A mistake that a user can mend: the message is one line that says what, with the value, and what to do."""
