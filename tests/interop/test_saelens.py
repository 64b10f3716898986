"""The bundled SAE in SAELens itself: it loads there, and gives the activations we give."""

import importlib.util
from pathlib import Path

import polars as pl
import pytest
import torch

from saedata.encoders import LoadedEncoder, load_encoder
from saedata.reader import read

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(importlib.util.find_spec("sae_lens") is None, reason="needs `pip install saedata[interop]`"),
    pytest.mark.filterwarnings("ignore"),
]

SAMPLE = Path(__file__).parents[2] / "samples" / "willow.jsonl"


@pytest.fixture(scope="module")
def encoder() -> LoadedEncoder:
    return load_encoder("minilm", device="cpu", precision="float32")


@pytest.fixture(scope="module")
def hidden(encoder: LoadedEncoder) -> torch.Tensor:
    """1 000 hidden states of real text."""
    texts = pl.read_ndjson(SAMPLE)["response"][:12].to_list()
    found = torch.cat([read(encoder.reader, [window])[0] for window in encoder.reader.windows(texts)])
    return found[:1000]


def test_activations_equal_those_of_saelens(encoder: LoadedEncoder, hidden: torch.Tensor) -> None:
    from sae_lens import SAE

    theirs = SAE.load_from_disk(str(encoder.spec.sae), device="cpu")
    assert theirs.cfg.architecture() == "jumprelu"
    expected = theirs.encode(hidden.clone())
    found = encoder.sae.encode(hidden)
    assert len(hidden) == 1000
    assert torch.equal(found > 0, expected > 0)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(encoder.sae.decode(found), theirs.decode(expected), rtol=1e-4, atol=1e-4)
