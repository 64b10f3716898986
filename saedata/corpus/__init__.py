"""Reading corpora: files, frames and chats become documents.

Data flows down this list: `lines` and `values` (bytes, cells), `chunks`, the readers of each format,
`formats` (which reader), `files` and `frames` (sources), `chat` and `columns` (conversations, types), `texts`
(which column is the text), `corpus` (the documents), `reading` (the first reading, which checks everything).
"""

from __future__ import annotations

from saedata.corpus.corpus import Corpus
from saedata.corpus.reading import read_corpus

__all__ = ["Corpus", "read_corpus"]
