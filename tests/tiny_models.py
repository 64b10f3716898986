"""A tiny reader and encoder with random weights, for tests that must not depend on a real model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

_COMMON = (
    "the a of and to in is it you that he was for on are with as his they be at one have this from or had "
    "by hot word but what some we can out other were all there when up use your how said an each she "
    "which do their time if will way about many then them write would like so these her long make thing "
    "see him two has look more day could go come did number sound no most people my over know water than "
    "call first who may down side been now find sorry "
)
TINY_WORDS = _COMMON.split()


@pytest.fixture(scope="session")
def tiny_reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a BERT with random weights: 3 layers of width 32, 128 positions."""
    import torch
    import transformers

    folder = tmp_path_factory.mktemp("tiny-bert")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=save_tokenizer(folder),
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    transformers.BertModel(config).save_pretrained(folder)
    return folder


def save_tokenizer(folder: Path) -> int:
    """Write a tokenizer of single words; its size is given back."""
    import transformers

    letters = [chr(c) for c in range(33, 127)]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(letters + TINY_WORDS)]
    vocabulary += [f"##{chr(c)}" for c in range(97, 123)]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    return len(vocabulary)


@dataclass(frozen=True)
class Family:
    """A family of models, with the places of its hooks in the whole model.

    Attributes
    ----------
    config
        Class of its configuration in transformers.
    blocks
        Path to the list of blocks.
    attn, mlp
        In a block, the module whose output attention and MLP add to the residual stream.
    options
        Further values of the configuration.
    saved_as
        Class that the checkpoint is saved with, by whose names its weights are called.
    """

    config: str
    blocks: str
    attn: str
    mlp: str
    options: dict[str, Any] = field(default_factory=dict)
    saved_as: str = "AutoModel"


_GROUPED = {"num_key_value_heads": 1, "head_dim": 16}
_EXPERTS = {"num_experts": 6, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "decoder_sparse_step": 2}
_LOCAL = {"sliding_window": 4, **_GROUPED}
_DENSE = ("attention.output.dense", "output.dense")
_NORMED = ("post_attention_layernorm", "post_feedforward_layernorm")
_LM = "AutoModelForCausalLM"
FAMILIES = {
    "bert": Family("BertConfig", "encoder.layer", *_DENSE, saved_as="AutoModelForMaskedLM"),
    "roberta": Family("RobertaConfig", "encoder.layer", *_DENSE),
    "mpnet": Family("MPNetConfig", "encoder.layer", "attention.attn.o", "output.dense"),
    "modernbert": Family("ModernBertConfig", "layers", "attn", "mlp", {"local_attention": 4}),
    "gpt2": Family("GPT2Config", "h", "attn", "mlp", saved_as=_LM),
    "gpt_neox": Family("GPTNeoXConfig", "layers", "attention", "mlp", saved_as=_LM),
    "llama": Family("LlamaConfig", "layers", "self_attn", "mlp", _GROUPED, saved_as=_LM),
    "mistral": Family("MistralConfig", "layers", "self_attn", "mlp", _LOCAL, saved_as=_LM),
    "gemma": Family("GemmaConfig", "layers", "self_attn", "mlp", _GROUPED),
    "gemma2": Family("Gemma2Config", "layers", *_NORMED, _LOCAL, saved_as=_LM),
    "gemma3_text": Family("Gemma3TextConfig", "layers", *_NORMED, _LOCAL, saved_as=_LM),
    "gemma3": Family("Gemma3Config", "language_model.layers", *_NORMED, saved_as="AutoModelForImageTextToText"),
    "qwen2": Family("Qwen2Config", "layers", "self_attn", "mlp", {"num_key_value_heads": 1}, saved_as=_LM),
    "qwen3": Family("Qwen3Config", "layers", "self_attn", "mlp", _GROUPED, saved_as=_LM),
    "qwen3_moe": Family("Qwen3MoeConfig", "layers", "self_attn", "mlp", _GROUPED | _EXPERTS, saved_as=_LM),
    "phi": Family("PhiConfig", "layers", "self_attn", "mlp", saved_as=_LM),
    "phi3": Family("Phi3Config", "layers", "self_attn", "mlp", saved_as=_LM),
    "t5": Family("T5Config", "encoder.block", "layer.0.SelfAttention", "layer.1.DenseReluDense",
                 saved_as="AutoModelForSeq2SeqLM"),
    "bart": Family("BartConfig", "encoder.layers", "self_attn", "fc2"),
}  # fmt: skip
"""What `family_reader` can make."""

FAMILY_LAYERS = 4


def family_config(family: str, vocabulary: int) -> Any:
    """Configuration of a tiny model: 4 blocks of width 32."""
    import transformers

    spec = FAMILIES[family]
    size = {
        "vocab_size": vocabulary,
        "hidden_size": 32,
        "num_hidden_layers": FAMILY_LAYERS,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 128,
        "pad_token_id": 0,
        "bos_token_id": 2,
        "eos_token_id": 3,
    } | spec.options
    if family == "t5":
        size |= {"d_kv": 16, "d_ff": 64}
    if family == "bart":
        names = {"decoder_layers": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "decoder_attention_heads": 2}
        size |= names | {"encoder_layers": FAMILY_LAYERS, "encoder_attention_heads": 2}
    if family == "gemma3":
        vision = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
        text = family_config("gemma3_text", vocabulary).to_dict()
        return transformers.Gemma3Config(
            text_config=text, vision_config=vision | {"image_size": 28, "patch_size": 14}, image_token_index=1
        )
    return getattr(transformers, spec.config)(**size)


@pytest.fixture(scope="session")
def family_reader(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folder of a tiny model of a family with random weights, made when first asked for."""

    @cache
    def make(family: str) -> Path:
        import torch
        import transformers

        folder: Path = tmp_path_factory.mktemp(f"tiny-{family}")
        torch.manual_seed(0)
        model = getattr(transformers, FAMILIES[family].saved_as).from_config(
            family_config(family, save_tokenizer(folder))
        )
        with torch.no_grad():
            for weight in model.parameters():  # far from zero, so that no term of a sum can be overlooked
                weight.add_(torch.randn_like(weight) * 0.1)
        model.save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def tiny_encoder(tiny_reader: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an encoder on layer 2 of the tiny reader: 64 random features, about a quarter of them on."""
    from saedata.encoders import Encoder, save_encoder
    from saedata.sae import SAE, save_sae

    folder = tmp_path_factory.mktemp("tiny-encoder")
    save_sae(SAE.random(d_in=32, d_sae=64, seed=1, threshold=0.7), folder)
    save_encoder(Encoder("tiny", str(tiny_reader), 2, folder))
    return folder


@pytest.fixture
def sentences() -> list[str]:
    """Short documents of different lengths, made of words the tiny reader knows."""
    random = np.random.default_rng(0)
    return [" ".join(random.choice(TINY_WORDS, size)) for size in random.integers(3, 40, 60)]
