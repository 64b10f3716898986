"""A temporary file for what can be read only once."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import BinaryIO

from saedata.errors import CorpusError


class Spool:
    """A temporary file that is deleted with this object, at the latest when the program ends.

    Examples
    --------
    >>> spool = Spool()
    >>> path = spool.path
    >>> del spool
    >>> path.exists()
    False
    """

    def __init__(self) -> None:
        handle, name = tempfile.mkstemp(prefix="saedata-")
        os.close(handle)
        self.path = Path(name)
        weakref.finalize(self, self.path.unlink, missing_ok=True)

    @classmethod
    def of(cls, stream: BinaryIO) -> Spool:
        """Copy a stream.

        Parameters
        ----------
        stream
            Read to its end.

        Returns
        -------
        Spool
            The copy.

        Raises
        ------
        CorpusError
            When the stream cannot be read or the copy not be written (a full disk).
        """
        spool = cls()
        try:
            with spool.path.open("wb") as copy:
                shutil.copyfileobj(stream, copy, 1 << 20)
        except OSError as error:
            msg = f"the input cannot be copied to {spool.path}: {error.strerror}; save it as a file and give that"
            raise CorpusError(msg) from error
        return spool
