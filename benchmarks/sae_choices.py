"""Which SAE for `minilm`: layers, widths, features on per token and training text, by what users do with them.

All choices get the same number of updates on the same tokens, read once for all layers, far fewer than the shipped SAE
got: what is compared is the choices, not their best. Judged on held-out text (variance unexplained), on chat answers
(features on, and how many of them are of kind `token`), and by probes within the training rows of the probing tasks;
test rows stay closed.

Environment: SAEDATA_BENCH_MIX (folder with train.parquet and held_out.parquet of `benchmarks.minilm_mix`),
SAEDATA_BENCH_SCRATCH (10 GB for hidden states and SAEs; what is there is not made again).
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from benchmarks.harness import RESULTS, Figure, Skipped
from benchmarks.held_out import held_out
from benchmarks.probing.cache import Source
from benchmarks.probing.compare import means, methods, wide
from benchmarks.probing.evaluate import Options, evaluate
from benchmarks.probing.matrices import all_states
from benchmarks.probing.run import tasks_with_rows
from saedata.encode import default_token_budget
from saedata.encoders import LoadedEncoder, find_encoder, load_encoder, load_sae, save_encoder
from saedata.labels.windows import WindowPool
from saedata.probing.features import Form
from saedata.reader import batches, load_reader
from saedata.sae import SAE, save_sae
from saedata.sae.train import TrainOptions, train_sae

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from saedata.reader import Reader

LAYERS, DEPTH = (3, 4, 5, 6), 6
BATCH, STEPS, RATE, SEED = 4096, 300, 8e-4, 0
TOKENS, HELD_OUT = STEPS * BATCH, 100_000
CHAT, CHAT_TOKENS = "chat answers", 60_000
KS = (1, 16, 128)
EVERY = 3
"""Of the probing tasks every third is used, with the activation itself as what a probe reads."""


@dataclass(frozen=True)
class Choice:
    """One SAE that is compared.

    Attributes
    ----------
    chat_only
        Trained on the chat answers of the mix alone, in several passes, instead of on all genres.
    int8
        Weights rounded to 8 bits with a scale for each feature.
    """

    layer: int = 5
    features: int = 4096
    l0: int = 20
    chat_only: bool = False
    int8: bool = False

    def __str__(self) -> str:
        extra = [", chat answers only"] * self.chat_only + [", int8"] * self.int8
        return f"layer {self.layer}, {self.features} features, L0 {self.l0}{''.join(extra)}"

    @property
    def folder(self) -> str:
        """Name of its encoder."""
        return f"minilm-{self.layer}-{self.features}-{self.l0}{'-chat' * self.chat_only}{'-int8' * self.int8}"


CHOICES = (
    *(Choice(layer=layer) for layer in LAYERS),
    Choice(l0=10),
    Choice(l0=40),
    Choice(chat_only=True),
    Choice(features=8192),
    Choice(features=16384),
    Choice(features=16384, int8=True),
)


def measure() -> list[Figure]:
    """Every choice's figures, one table beside the other results; none has a target."""
    mix, scratch = (os.environ.get(f"SAEDATA_BENCH_{name}") for name in ("MIX", "SCRATCH"))
    if not mix or not scratch or not Path(mix, "train.parquet").exists():
        msg = "set SAEDATA_BENCH_MIX to what `python -m benchmarks.minilm_mix` wrote, and SAEDATA_BENCH_SCRATCH"
        raise Skipped(msg)
    states = _read(Path(mix), Path(scratch, "states"))
    encoders = [_encoder(choice, states, Path(scratch)) for choice in CHOICES]
    rows = [
        {"choice": str(choice)} | _fit(encoder.sae, states.held[choice.layer]) | _chat(encoder)
        for choice, encoder in zip(CHOICES, encoders, strict=True)
    ]
    table = pl.DataFrame(rows).hstack(_probed(encoders))
    RESULTS.mkdir(exist_ok=True)
    table.write_csv(RESULTS / "sae_choices.csv", float_precision=4)
    n = f"{STEPS} updates of {BATCH:,} tokens"
    return [
        Figure(f"{row['choice']}: {name}", row[name], n)
        for row in table.iter_rows(named=True)
        for name in table.columns[1:]
    ]


@dataclass(frozen=True)
class _States:
    """Hidden states of every layer in float16: of the whole mix, of its chat answers, and held out."""

    mix: dict[int, NDArray[np.float16]]
    chat: dict[int, NDArray[np.float16]]
    held: dict[int, NDArray[np.float16]]


def _read(mix: Path, scratch: Path) -> _States:
    train = pl.read_parquet(mix / "train.parquet", columns=["text", "source"])
    train = train.sample(fraction=1.0, shuffle=True, seed=SEED)
    chat = train.filter(pl.col("source") == CHAT)
    reader = load_reader(find_encoder("minilm").reader_folder, layer=DEPTH, context=find_encoder("minilm").context)
    return _States(
        _states_of(train["text"], reader, LAYERS, TOKENS, scratch / "mix"),
        _states_of(chat["text"], reader, (Choice().layer,), TOKENS // 4, scratch / "chat"),
        _states_of(held_out()["text"], reader, LAYERS, HELD_OUT, scratch / "held"),
    )


def _states_of(
    texts: Iterable[str], reader: Reader, layers: Sequence[int], tokens: int, folder: Path
) -> dict[int, NDArray[np.float16]]:
    """States of the first tokens of some texts, mapped from files [tokens, d_model]."""
    paths = {layer: folder / f"{layer}.f16" for layer in layers}
    if not (folder / "ready").exists():
        folder.mkdir(parents=True, exist_ok=True)
        files, rows, source = {layer: path.open("wb") for layer, path in paths.items()}, 0, iter(texts)
        while rows < tokens and (chunk := list(islice(source, 512))):
            for batch in batches(list(reader.windows(chunk)), token_budget=default_token_budget(reader)):
                states, pooled, _ = all_states(reader, batch)
                for layer, file in files.items():
                    file.write(
                        states[layer][pooled][: tokens - rows].float().cpu().numpy().astype(np.float16).tobytes()
                    )
                rows += min(int(pooled.sum()), tokens - rows)
            print(f"{folder.name}: {rows:,} of {tokens:,} tokens read", file=sys.stderr, flush=True)
        for file in files.values():
            file.close()
        (folder / "ready").touch()
    return {
        layer: np.memmap(path, dtype=np.float16, mode="r").reshape(-1, reader.d_model) for layer, path in paths.items()
    }


def _encoder(choice: Choice, states: _States, scratch: Path) -> LoadedEncoder:
    """Train an SAE, or find it, as an encoder; on is what exceeds 0, since the scales of layers differ."""
    folder = scratch / choice.folder
    if not (folder / "encoder.json").exists():
        print(f"training {choice}", file=sys.stderr, flush=True)
        sae = (
            _rounded(load_sae(scratch / replace(choice, int8=False).folder))
            if choice.int8
            else _trained(choice, states)
        )
        folder.mkdir(parents=True, exist_ok=True)
        save_sae(sae, folder)
        spec = replace(find_encoder("minilm"), name=choice.folder, sae=folder, layer=choice.layer)
        save_encoder(replace(spec, threshold=0.0))
    return load_encoder(str(folder))


def _trained(choice: Choice, states: _States) -> SAE:
    source = (states.chat if choice.chat_only else states.mix)[choice.layer]
    return train_sae(source, TrainOptions(choice.features, choice.l0, STEPS, BATCH, RATE, seed=SEED))


def _rounded(sae: SAE) -> SAE:
    """Both matrices to 255 levels for each feature, as int8 with a scale for each row would keep them."""
    import torch

    def rounded(weights: torch.Tensor, dim: int) -> torch.Tensor:
        scale = weights.abs().amax(dim, keepdim=True).clamp_min(1e-12) / 127
        return (weights / scale).round() * scale

    return replace(sae, W_enc=rounded(sae.W_enc, 0), W_dec=rounded(sae.W_dec, 1))


def _fit(sae: SAE, states: NDArray[np.float16]) -> dict[str, float]:
    """Held-out variance unexplained, features on per token, dead features."""
    import torch

    mean, error, square, on = np.asarray(states, np.float32).mean(0), 0.0, 0.0, np.zeros(sae.d_sae)
    for begin in range(0, len(states), BATCH):
        x = torch.from_numpy(np.asarray(states[begin : begin + BATCH], np.float32))
        with torch.inference_mode():
            active = sae.encode(x)
            error += float((sae.decode(active) - x).square().sum())
        square += float((x - torch.from_numpy(mean)).square().sum())
        on += (active > 0).sum(0).numpy()
    return {
        "variance unexplained": error / square,
        "features on per token": on.sum() / len(states),
        "dead": float((on == 0).mean()),
    }


def _chat(encoder: LoadedEncoder) -> dict[str, float]:
    """What is on in a chat answer, and how much of it is a matter of three word forms."""
    answers = held_out().filter(pl.col("source") == CHAT)["text"]
    pool = WindowPool.read(answers, encoder, tokens=CHAT_TOKENS)
    of = np.repeat(np.arange(encoder.sae.d_sae), np.diff(pool.offsets))
    pairs = np.unique(np.stack([of, pool.document[pool.window]]), axis=1)
    on = np.bincount(pairs[0], minlength=encoder.sae.d_sae)
    token = np.array([bool(on[feature]) and pool.is_token(feature) for feature in range(encoder.sae.d_sae)])
    return {
        "features on per chat answer": on.sum() / len(np.unique(pool.document)),
        "share of features on in chat that are token": float(token[on > 0].mean()),
        "the same, weighted by presence": float((token * on).sum() / on.sum()),
    }


def _probed(encoders: Sequence[LoadedEncoder]) -> pl.DataFrame:
    """Cross-validated AUC of probes, mean over the tasks."""
    tasks = tasks_with_rows(validation=True)[::EVERY]
    rows: list[dict[str, Any]] = []
    for found in evaluate(Source.of(encoders), tasks, Options(forms=[Form()], ks=KS, baselines=False)):
        table = wide(found, "cv_auc")
        rows.append({f"AUC, {name}": value for name, value in zip(methods(table), means(table), strict=True)})
    return pl.DataFrame(rows)
