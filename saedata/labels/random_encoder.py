"""An encoder whose SAE has random weights and the same L0: labels written for it are a floor for all labels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from saedata.encoders import Encoder, save_encoder
from saedata.errors import CorpusError
from saedata.reader import batches, read
from saedata.sae import SAE, save_sae

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import torch

    from saedata.encoders import LoadedEncoder
    from saedata.reader import Reader

TOKENS = 4096
"""Tokens on which L0 is measured and the threshold set."""


def random_encoder(encoder: LoadedEncoder, texts: Iterable[str | None], out: Path, *, seed: int = 0) -> Encoder:
    """Write an encoder with the same reader and as many features, in random directions, as often on by one threshold.

    Features look at the hidden state minus its mean, as a trained SAE does; without that, nearly the same features
    would be on everywhere. Label the folder like any other, and score it with `score_labels`.

    Parameters
    ----------
    encoder
        The one whose L0 is matched.
    texts
        Where L0 is measured; reading ends after 4 096 tokens.
    out
        Folder of the new encoder; made if absent.
    seed
        Of the directions.

    Raises
    ------
    CorpusError
        If there is no token at all.
    """
    import torch

    sae = encoder.sae
    with torch.inference_mode():
        x = _hidden(texts, encoder.reader).to(sae.W_enc.device, sae.W_enc.dtype)
        on = int((sae.encode(x) > encoder.spec.threshold).sum())
        bare = SAE.random(d_in=sae.d_in, d_sae=sae.d_sae, seed=seed).to(sae.W_enc.device)
        before = ((x - sae.mean) @ bare.W_enc).flatten()
        threshold = before.kthvalue(max(before.numel() - on, 1)).values
    level = torch.full_like(bare.threshold, float(threshold))
    # cloned: what inference mode made must not end up in an SAE that somebody trains on
    bias = -(sae.mean.clone() @ bare.W_enc)
    random = replace(bare, b_enc=bias, b_dec=sae.mean.clone(), threshold=level, mean=sae.mean.clone())
    save_sae(random, out)
    made = replace(encoder.spec, name=f"{encoder.spec.name}-random", sae=out, about="random weights, equal L0")
    save_encoder(made)
    return made


def _hidden(texts: Iterable[str | None], reader: Reader) -> torch.Tensor:
    import torch

    parts: list[torch.Tensor] = []
    for text in texts:
        parts += [read(reader, batch)[0] for batch in batches(list(reader.windows([text])), token_budget=1024)]
        if sum(map(len, parts)) >= TOKENS:
            break
    if not sum(map(len, parts)):
        msg = "the text to measure L0 on has no tokens"
        raise CorpusError(msg)
    return torch.cat(parts)[:TOKENS]
