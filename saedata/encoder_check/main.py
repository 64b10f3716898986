"""The check itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from saedata.corpus import documents_of, read_corpus
from saedata.encoder_check.fit import first_states, fit
from saedata.encoder_check.verdicts import Row, figures, place_row, scale_row, stored_figures
from saedata.encoders import Encoder, LoadedEncoder, chosen_encoder, load_encoder
from saedata.frame import is_frame, open_frame
from saedata.reader import nearby

if TYPE_CHECKING:
    from collections.abc import Sequence

    from saedata.reader import Device, Document, Hook, Precision, Reader
    from saedata.sae.model import SAE

_SCHEMA = {"check": pl.String, "value": pl.String, "expected": pl.String, "verdict": pl.String}
_COMPARED = 256  # tokens, for other layers, hooks and scales
_SCALES = (0.125, 0.25, 0.5, 2.0, 4.0, 8.0)


def check_encoder(
    corpus: Any,
    *,
    encoder: str | Path | Encoder | LoadedEncoder = "minilm",
    reader: str | None = None,
    layer: int | None = None,
    sae: str | Path | None = None,
    hook: Hook = "resid_post",
    add_bos: bool = False,
    skip_first: int = 0,
    norm_limit: float | None = None,
    chat_template: bool = False,
    text: str | None = None,
    roles: Sequence[str] = ("assistant",),
    limit: int = 20,
    device: Device | str = "auto",
    precision: Precision = "auto",
    device_map: str | None = None,
    memory_check: bool = True,
) -> pl.DataFrame:
    """Check on a few documents that reader, layer, hook, scale and SAE belong together.

    Parameters
    ----------
    corpus, text, roles
        What to read; see `embed`.
    encoder, reader, layer, sae, hook, add_bos, skip_first, norm_limit, chat_template
        What to check; as in `embed`.
    limit
        Documents to read, from the beginning; of these at most 1 024 tokens count.
    device, precision, device_map, memory_check
        As in `embed`.

    Returns
    -------
    polars.DataFrame
        ``check``: ``variance unexplained``, ``norm ratio``, ``features on per token``, ``layer and hook``, ``scale``;
        ``value`` found; what is ``expected``, from the SAE's own figures where its card has them; ``verdict``: ``ok``
        or a sentence that says what is wrong.

    Raises
    ------
    CorpusError
        If there is no text.
    EncoderError
        If a part cannot be loaded, or the SAE has another width than the reader.

    Examples
    --------
    >>> table = check_encoder(["Sorry, I cannot help with that.", "Preheat the oven, then mix the flour."] * 5)
    >>> table["verdict"].unique().to_list()
    ['ok']
    """
    if not isinstance(encoder, LoadedEncoder):
        spec = chosen_encoder(
            encoder,
            reader=reader,
            layer=layer,
            sae=sae,
            hook=hook,
            add_bos=add_bos,
            skip_first=skip_first,
            norm_limit=norm_limit,
        )
        encoder = load_encoder(
            spec,
            device=device,
            precision=precision,
            device_map=device_map,
            chat_template=chat_template,
            beyond=1,
            memory_check=memory_check,
        )
    turns = encoder.reader.chat is not None
    if is_frame(corpus):
        corpus, text = open_frame(Path(corpus)).scan_documents().select("text"), "text"
    read = read_corpus(corpus, text=text, roles=roles, limit=limit, turns=turns)
    return check_documents(documents_of(next(read.batches(limit)), turns=turns), encoder)


def check_documents(documents: Sequence[Document], encoder: LoadedEncoder, *, thorough: bool = True) -> pl.DataFrame:
    """Check an encoder that is loaded; see `check_encoder`. The layer above is compared only if it is loaded too.

    Parameters
    ----------
    documents
        What to read.
    encoder
        What to check.
    thorough
        Whether other layers, hooks and scales are tried even if all is as the SAE's card says.
    """
    import torch

    reader, sae = encoder.reader, encoder.sae
    if sae.transcoder:
        row = ("reconstruction", "not measured", "nothing: a transcoder rebuilds another hook than it reads", "ok")
        return pl.DataFrame([row], schema=_SCHEMA, orient="row")
    card = stored_figures(encoder.spec)
    with torch.inference_mode():
        rows = figures(fit(first_states(documents, reader, [reader.tap])[0], sae), card)
        if thorough or not card or any(row[-1] != "ok" for row in rows):
            rows += _comparisons(documents, reader, sae)
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _comparisons(documents: Sequence[Document], reader: Reader, sae: SAE) -> list[Row]:
    """Whether the SAE fits another layer, hook or scale better."""
    taps = nearby(reader)
    states = [x[:_COMPARED] for x in first_states(documents, reader, list(taps.values()))]
    places = {place: fit(x, sae).variance_unexplained for place, x in zip(taps, states, strict=True)}
    scales = {scale: fit(states[0], sae, scale=scale).variance_unexplained for scale in _SCALES}
    return [place_row(reader, places), scale_row(places[reader.layer, reader.kind], scales)]
