"""Hidden states of a corpus, kept on disk for the time of a training run."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from saedata.errors import CorpusError
from saedata.reader import batches, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from saedata.reader import Document, Reader

_DOCUMENTS_AT_ONCE = 512


def collect_activations(
    texts: Iterable[Document],
    reader: Reader,
    *,
    tokens: int,
    path: Path,
    token_budget: int = 1024,
    progress: Callable[[int], None] = lambda _: None,
) -> NDArray[np.float16]:
    """Write the hidden states of the first `tokens` tokens of `texts` to `path` and map them.

    Parameters
    ----------
    texts
        Documents, already in random order.
    reader
        Cut after the hook layer. Special tokens are left out.
    tokens
        Most rows to keep; fewer where the text ends before.
    path
        A file of float16 numbers [rows, d_model], replaced if there.
    token_budget
        Tokens in a forward pass.
    progress
        Called with the number of rows just added.

    Raises
    ------
    CorpusError
        If there is no token at all.
    """
    rows = 0
    with path.open("wb") as file:
        source = iter(texts)
        while rows < tokens and (chunk := list(islice(source, _DOCUMENTS_AT_ONCE))):
            for batch in batches(list(reader.windows(chunk)), token_budget=token_budget):
                hidden, _ = read(reader, batch)
                kept = hidden[: tokens - rows].float().cpu().numpy().astype(np.float16)
                file.write(kept.tobytes())
                rows += len(kept)
                progress(len(kept))
    if rows == 0:
        msg = "the training text has no tokens"
        raise CorpusError(msg)
    return np.memmap(path, dtype=np.float16, mode="r", shape=(rows, reader.d_model))
