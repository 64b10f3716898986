"""The reader itself: a tokenizer and a transformer that ends at the hook layer."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from saedata.corpus.chat import Conversation
from saedata.reader.hooks import Hook, Tap, caught
from saedata.reader.windows import Frame, Window, tokenize

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch
    from numpy.typing import NDArray

    from saedata.reader.chat import ChatTemplate

Document = str | Conversation | None

_locks: WeakKeyDictionary[torch.nn.Module, threading.Lock] = WeakKeyDictionary()


@dataclass(frozen=True)
class Reader:
    """A tokenizer and a transformer that ends at the hook layer.

    Attributes
    ----------
    name
        What the user called it: a hub name, a folder's name, or an encoder's.
    layer
        Number of blocks that run; the hook is in the last of them.
    context
        Most tokens in one window, special tokens included.
    sha256
        Hash of its files.
    tokenizer, model
        Of transformers; the model is the part that reads text, without the blocks behind the hook layer.
    device
        Where token ids go in.
    dtype, precision
        Number format of the forward pass; and the same in words, or the one that its weights are stored in.
    tap
        Where the hidden state is caught.
    kind
        Which place in the block that is.
    chat
        The template that conversations are read in; None: they are read as plain text.
    add_bos
        Whether every window begins with the tokenizer's token for a beginning, even if it puts none there itself.
    skip_first
        Positions at the beginning of every window (special tokens count) that are never pooled.
    norm_limit
        Tokens are not pooled whose hidden state is more than this many times longer than the median of their window's.
    """

    name: str
    layer: int
    context: int
    sha256: str
    tokenizer: Any
    model: torch.nn.Module
    device: torch.device
    dtype: torch.dtype
    precision: str
    tap: Tap
    kind: Hook = "resid_post"
    chat: ChatTemplate | None = None
    add_bos: bool = False
    skip_first: int = 0
    norm_limit: float | None = None

    @property
    def hook(self) -> str:
        """Where the hidden state is taken, in TransformerLens' words (blocks count from 0 there)."""
        return f"blocks.{self.layer - 1}.hook_{self.kind}"

    @property
    def d_model(self) -> int:
        """Width of the hidden state."""
        return int(self.model.config.hidden_size)  # type: ignore[union-attr, arg-type]

    @property
    def pooling(self) -> str:
        """How a document's tokens become one vector: "max", and which tokens do not take part."""
        said = ["max"]
        if self.add_bos:
            said.append("windows begin with BOS")
        if self.skip_first:
            said.append(f"without the first {self.skip_first} of a window")
        if self.norm_limit is not None:
            said.append(f"norm up to {self.norm_limit:g} medians")
        if self.chat is not None:
            said.append(f"chat template {self.chat.sha256[:12]}")
        return "; ".join(said)

    @cached_property
    def _specials(self) -> tuple[list[int], list[int], NDArray[np.int64]]:
        """Ids put before and after a text, and every id that stands for no text of the user's."""
        bare = self.tokenizer("a", add_special_tokens=False)["input_ids"]
        full = self.tokenizer("a")["input_ids"]
        at = next((i for i in range(len(full)) if full[i : i + len(bare)] == bare), 0)
        unknown = self.tokenizer.unk_token_id  # stands for text (an emoji, a rare letter), so it is pooled
        added = {i for i, token in self.tokenizer.added_tokens_decoder.items() if token.special}
        ids = sorted({*self.tokenizer.all_special_ids, *added} - {unknown})
        before, bos = full[:at], self.tokenizer.bos_token_id
        if self.add_bos and bos is not None and before[:1] != [bos]:
            before = [bos, *before]
        return before, full[at + len(bare) :], np.array(ids, dtype=np.int64)

    def windows(self, documents: Sequence[Document]) -> Iterator[Window]:
        """Cut documents into windows of at most `context` tokens; empty and null documents give none.

        Parameters
        ----------
        documents
            In any number; a long one becomes several windows that overlap by 32 tokens. A conversation is read in
            the reader's chat template, where it has one, and only what its chosen roles say is pooled; spans count
            characters of `Conversation.text`.
        """
        before, after, special = self._specials
        frame = Frame(before, after, self.context, self.skip_first)
        for number, document in enumerate(documents):
            if self.chat is not None and document:
                yield from self.chat.windows(number, document, frame, special)
            else:
                text = document.text if isinstance(document, Conversation) else document
                yield from frame.windows(number, tokenize(self.tokenizer, text or "", special))

    def hidden(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Hidden states at the hook.

        Parameters
        ----------
        ids, mask
            Token ids and attention mask (1 = real), both [documents, tokens].

        Returns
        -------
        torch.Tensor
            [documents, tokens, d_model] in the reader's precision.
        """
        return self.states(ids, mask, [self.tap])[0]

    def states(self, ids: torch.Tensor, mask: torch.Tensor, taps: Sequence[Tap]) -> list[torch.Tensor]:
        """Hidden states at several places at once; see `hidden`."""
        import torch

        # Hooks belong to the model: of two threads at once each would catch what the other's documents give.
        with _locks.setdefault(self.model, threading.Lock()), torch.inference_mode(), caught(taps) as found:
            self.model(input_ids=ids.to(self.device), attention_mask=mask.to(self.device))
        return [tensors[0] for tensors in found]
