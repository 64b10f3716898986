"""A tiny reader and encoder with random weights, for tests that must not depend on a real model."""

from __future__ import annotations

from pathlib import Path

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
    letters = [chr(c) for c in range(33, 127)]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(letters + TINY_WORDS)]
    vocabulary += [f"##{chr(c)}" for c in range(97, 123)]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    tokenizer = transformers.BertTokenizerFast(str(folder / "vocab.txt"))
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    transformers.BertModel(config).save_pretrained(folder)
    return folder


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
