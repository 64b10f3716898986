"""Looking through a corpus of conversations before any of it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saedata.corpus import Conversation, documents_of
from saedata.errors import CorpusError, InputError

if TYPE_CHECKING:
    from saedata.corpus import Corpus
    from saedata.reader.model import Reader


def check_conversations(corpus: Corpus, reader: Reader) -> None:
    """Refuse a corpus with a conversation that the reader's chat template does not take.

    Parameters
    ----------
    corpus
        Read with its turns, if the reader has a chat template.
    reader
        The reader; without a template there is nothing to check.

    Raises
    ------
    CorpusError
        The first such conversation, by its number.
    """
    if reader.chat is None:
        return
    seen: set[tuple[str, ...]] = set()
    first = 0
    for batch in corpus.batches():
        for number, chat in enumerate(documents_of(batch, turns=True), first):
            if not isinstance(chat, Conversation) or chat.order in seen:
                continue
            seen.add(chat.order)
            try:
                reader.chat.check(chat.order)
            except InputError as error:
                msg = f"document {number} of {corpus.name}: {error}"
                raise CorpusError(msg) from error
        first += batch.height
