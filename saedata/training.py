"""Train an SAE for any reader on any corpora, and measure it on documents it has not seen."""

from __future__ import annotations

import hashlib
import logging
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import orjson

from saedata.corpus import Corpus, documents_of, read_corpus
from saedata.encoders import Encoder, find_encoder, load_encoder, load_encoder_reader, save_encoder
from saedata.errors import FrameError, InputError
from saedata.progress import progress
from saedata.reader import Device, Document, Hook, Precision, Reader, check_conversations
from saedata.reader.packed import is_packed
from saedata.sae.activations import collect_activations
from saedata.sae.formats import save_sae
from saedata.sae.quality import Quality, measure
from saedata.sae.train import TrainOptions, train_sae

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

log = logging.getLogger("saedata")

_WORK, _CARD = "work", "card.json"
_BUCKETS = 2**32
_CHARACTERS_PER_TOKEN = 3.5  # low on purpose: rather read a little more text than stop short


def train(
    corpus: Any,
    *,
    out: str | Path,
    reader: str = "minilm",
    layer: int,
    hook: Hook = "resid_post",
    features: int = 4096,
    l0: int = 24,
    tokens: int = 4_000_000,
    steps: int | None = None,
    batch: int = 4096,
    learning_rate: float = 8e-4,
    held_out: float = 0.05,
    context: int | None = None,
    text: str | None = None,
    roles: Sequence[str] = ("assistant",),
    add_bos: bool = False,
    skip_first: int = 0,
    norm_limit: float | None = None,
    chat_template: bool = False,
    weights: Literal["float32", "float16"] = "float32",
    device: Device | str = "auto",
    precision: Precision = "auto",
    device_map: str | None = None,
    seed: int = 0,
) -> Quality:
    """Train an SAE on a reader's hidden states and write it as an encoder folder.

    The folder holds the SAE in the SAELens layout, `encoder.json` (so that `--encoder FOLDER` works) and a card.
    The same call again goes on where an interrupted one stopped.

    Parameters
    ----------
    corpus
        What `embed` takes. Documents are chosen by a hash of their text: `held_out` of them only for measuring.
    out
        Folder to write; must not hold another encoder.
    reader
        Folder or hub name of a model, or the name of an encoder whose reader to use.
    layer, hook
        Blocks of the reader to run, and where in the last of them the hidden state is taken.
    features, l0, steps, batch, learning_rate, seed
        See `saedata.sae.train.TrainOptions`; `steps` defaults to four passes over the tokens.
    tokens
        Most tokens to train on, special tokens excluded.
    held_out
        Share of the documents kept for measuring, above 0 and below 1.
    context
        Most tokens per window.
    text, roles
        Which text to take; see `saedata.corpus.read_corpus`.
    add_bos, skip_first, norm_limit
        Which tokens are read and learned from (see `saedata.reader.Reader`); the encoder keeps to that.
    chat_template
        As in `embed`.
    weights
        Number format on disk; measured after saving and loading.
    device, precision, device_map
        As in `embed`.

    Returns
    -------
    Quality
        On held-out documents, through the saved files.

    Raises
    ------
    InputError
        If something given cannot be used.
    """
    import torch

    folder = Path(out)
    if not 0 < held_out < 1:
        msg = f"held_out is a share above 0 and below 1, but is {held_out}"
        raise InputError(msg)
    read = read_corpus(corpus, text=text, roles=roles, turns=chat_template)
    spec = replace(
        _spec(reader, layer, folder, context), hook=hook, add_bos=add_bos, skip_first=skip_first, norm_limit=norm_limit
    )
    placing: dict[str, Any] = {"device": device, "precision": precision, "device_map": device_map}
    loaded = load_encoder_reader(spec, chat_template=chat_template, **placing)
    check_conversations(read, loaded)
    options = TrainOptions(features, l0, steps or 1, batch, learning_rate, seed=seed)
    work = _claim(folder, read, loaded, options, tokens=tokens, held_out=held_out, steps=steps)
    activations = _activations(read, loaded, tokens, held_out, work)
    options = replace(options, steps=steps or max(4 * len(activations) // batch, 1))
    with progress("training", total=options.steps, unit="steps") as done:
        sae = train_sae(
            activations, options, device=loaded.device, checkpoint=work, progress=lambda _step, _loss: done(1)
        )
    sae.metadata.update(reader=spec.reader, reader_sha256=loaded.sha256, layer=layer, hook_name=loaded.hook)
    save_sae(sae, folder, dtype=getattr(torch, weights))
    save_encoder(replace(spec, name=folder.name))
    encoder = load_encoder(folder, chat_template=chat_template, **placing)
    quality = measure(_documents(read, 0.0, held_out, turns=chat_template), encoder.reader, encoder.sae)
    _write_card(folder, quality, read, asdict(options) | {"tokens": len(activations), "held_out": held_out})
    shutil.rmtree(work)
    return quality


def evaluate_sae(
    corpus: Any,
    *,
    encoder: str | Path | Encoder = "minilm",
    tokens: int = 1_000_000,
    text: str | None = None,
    roles: Sequence[str] = ("assistant",),
    limit: int | None = None,
    device: Device | str = "auto",
    precision: Precision = "auto",
) -> Quality:
    """Measure an encoder's SAE on some text.

    Parameters
    ----------
    corpus, text, roles, limit
        What to read; see `embed`.
    encoder
        Name, folder, or what `custom_encoder` gave.
    tokens
        Most tokens to read, from the beginning of the corpus.
    device, precision
        As in `embed`.
    """
    read = read_corpus(corpus, text=text, roles=roles, limit=limit)
    loaded = load_encoder(encoder, device=device, precision=precision)
    texts = (text for batch in read.batches() for text in batch["text"])
    return measure(texts, loaded.reader, loaded.sae, tokens=tokens)


def _spec(reader: str, layer: int, folder: Path, context: int | None) -> Encoder:
    """Describe the encoder to be; a known encoder's name stands for its reader."""
    if Path(reader).is_dir() or "/" in reader or is_packed(reader):
        return Encoder(folder.name, reader, layer, folder, context)
    known = find_encoder(reader)
    about = f"trained by saedata on layer {layer} of {known.reader}"
    context = context or known.context
    return replace(known, layer=layer, sae=folder, context=context, about=about, centred=False, listing=None)


def _claim(folder: Path, read: Corpus, loaded: Reader, options: TrainOptions, **more: Any) -> Path:
    """Make the work folder, or refuse what belongs to another run."""
    run = {"corpus": read.sha256, "reader": loaded.sha256, "layer": loaded.layer, "precision": loaded.precision}
    run |= {"hook": loaded.hook, "pooling": loaded.pooling} | asdict(options) | more
    work = folder / _WORK
    if (folder / _CARD).exists():
        msg = f"{folder} already holds a trained encoder; remove it or choose another --out"
        raise FrameError(msg)
    if (work / "run.json").exists():
        found = orjson.loads((work / "run.json").read_bytes())
        if other := sorted(key for key in run if found.get(key) != run[key]):
            msg = f"{folder} holds an unfinished run with other {', '.join(other)}; remove it or choose another --out"
            raise FrameError(msg)
    elif folder.exists() and any(folder.iterdir()):
        msg = f"{folder} is not empty and not a training run; choose another --out"
        raise FrameError(msg)
    try:
        work.mkdir(parents=True, exist_ok=True)
        (work / "run.json").write_bytes(orjson.dumps(run))
    except OSError as error:
        msg = f"cannot write to {folder}: {error.strerror}"
        raise FrameError(msg) from error
    return work


def _activations(
    read: Corpus, loaded: Reader, tokens: int, held_out: float, work: Path
) -> np.ndarray[Any, np.dtype[np.float16]]:
    """Hidden states of the training documents, from disk if an earlier run got so far."""
    path, finished = work / "activations.f16", work / "activations.done"
    if finished.exists():
        return np.memmap(path, dtype=np.float16, mode="r").reshape(-1, loaded.d_model)
    share = min(tokens * _CHARACTERS_PER_TOKEN * 1.3 / read.characters, 1 - held_out)
    with progress("reading", total=min(tokens, read.characters // 4), unit="tokens") as done:
        rows = collect_activations(
            _documents(read, held_out, held_out + share, turns=loaded.chat is not None),
            loaded,
            tokens=tokens,
            path=path,
            progress=done,
        )
    finished.touch()
    return rows


def _documents(read: Corpus, low: float, high: float, *, turns: bool) -> Iterator[Document]:
    """Documents whose hash, as a number from 0 to 1, lies in [low, high): the same text always on one side."""
    for batch in read.batches():
        for text, document in zip(batch["text"], documents_of(batch, turns=turns), strict=True):
            if text is None:
                continue
            place = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") / _BUCKETS
            if low <= place < high:
                yield document


def _write_card(folder: Path, quality: Quality, read: Corpus, options: dict[str, Any]) -> None:
    """Figures and options, for people who meet the encoder later."""
    histogram = quality.density_histogram()
    card = {
        "held_out": quality.figures(),
        "token_density_histogram": histogram.to_dicts(),
        "options": options,
        "corpus": {"sha256": read.sha256, "documents": read.documents, "characters": read.characters},
    }
    (folder / _CARD).write_bytes(orjson.dumps(card, option=orjson.OPT_INDENT_2) + b"\n")
