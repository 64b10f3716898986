"""Every exception that saedata raises on purpose.

The command line turns them into one sentence on standard error: exit code 2 for `InputError` (the user can mend
it), 1 for anything else.
"""

from __future__ import annotations


class SaedataError(Exception):
    """Base of all errors raised on purpose; its message is one sentence for people."""

    exit_code = 1


class InputError(SaedataError, ValueError):
    """Something the user gave cannot be used: the message says what, where, and what to do."""

    exit_code = 2


class CorpusError(InputError):
    """A corpus cannot be read: missing or broken file, absent text column, no text at all."""


class FrameError(InputError):
    """A sparse frame cannot be opened or written, or belongs to another run."""


class MismatchError(FrameError):
    """Two frames cannot be compared: other encoder, threshold, pooling or precision."""


class EncoderError(InputError):
    """A reader or SAE cannot be found, loaded or paired."""
