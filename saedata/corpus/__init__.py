"""Reading corpora: files, frames and chats become documents.

Data flows down this list: `lines` and `values` (bytes, cells), `chunks`, the readers of each format,
`formats` (which reader), `files` and `frames` (sources), `chat` and `columns` (conversations, types), `texts`
(which column is the text), `corpus` (the documents), `reading` (the first reading, which checks everything).
"""

from __future__ import annotations

from saedata.corpus.chat import Conversation
from saedata.corpus.corpus import Corpus, documents_of
from saedata.corpus.reading import read_corpus

__all__ = ["Conversation", "Corpus", "documents_of", "read_corpus"]
