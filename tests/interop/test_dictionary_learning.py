"""dictionary_learning: every class of the library, written by it, read here."""

import json
from pathlib import Path
from typing import Any

import comparison
import pytest
import torch

from saedata.encoders import load_sae

pytestmark = comparison.needs("dictionary_learning")

SIZES = (comparison.D_IN, comparison.D_SAE)
CLASSES = {
    "AutoEncoder": ("standard", ("StandardTrainer", "PAnnealTrainer", "StandardTrainerAprilUpdate")),
    "AutoEncoderNew": ("standard", ("StandardTrainerAprilUpdate",)),
    "GatedAutoEncoder": ("gated", ("GatedSAETrainer", "GatedAnnealTrainer")),
    "JumpReluAutoEncoder": ("jumprelu", ("JumpReluTrainer",)),
    "AutoEncoderTopK": ("topk", ("TopKTrainer",)),
    "BatchTopKSAE": ("batchtopk", ("BatchTopKTrainer",)),
    "MatryoshkaBatchTopKSAE": ("matryoshka_batchtopk", ("MatryoshkaBatchTopKTrainer",)),
}


def made(name: str) -> Any:
    """A dictionary with random weights, thresholds set as training would."""
    comparison.bare("dictionary_learning")
    from dictionary_learning import dictionary as plain
    from dictionary_learning.trainers import batch_top_k, matryoshka_batch_top_k, top_k

    modules = (plain, batch_top_k, matryoshka_batch_top_k, top_k)
    kind = next(getattr(module, name) for module in modules if hasattr(module, name))
    more = {"AutoEncoderTopK": (6,), "BatchTopKSAE": (6,), "MatryoshkaBatchTopKSAE": (6, [32, 32, 64])}
    dictionary = kind(*SIZES, *more.get(name, ()))
    comparison.shake(dictionary)
    if name in ("BatchTopKSAE", "MatryoshkaBatchTopKSAE"):
        dictionary.threshold.fill_(1.25)
    if name == "JumpReluAutoEncoder":
        dictionary.threshold.data.abs_()
    return dictionary


def written(dictionary: Any, trainer: str, folder: Path) -> Path:
    """The two files that the library's training writes."""
    torch.save(dictionary.state_dict(), folder / "ae.pt")
    about = {"trainer_class": trainer, "dict_class": type(dictionary).__name__, "lm_name": "EleutherAI/pythia-70m"}
    about |= {"layer": 3, "submodule_name": "resid_post_layer_3", "k": 6, "activation_dim": SIZES[0]}
    (folder / "config.json").write_text(json.dumps({"trainer": about, "buffer": {"ctx_len": 128}}))
    return folder


@pytest.mark.parametrize(("name", "trainer"), [(name, t) for name, (_, ts) in CLASSES.items() for t in ts])
def test_activations_and_reconstruction(name: str, trainer: str, tmp_path: Path) -> None:
    k = {"k": 6} if "TopK" in name else {}
    folder = written(made(name), trainer, tmp_path)
    theirs = type(made(name)).from_pretrained(folder / "ae.pt", **k)  # as `load_dictionary` of the library does
    ours, x = load_sae(tmp_path), comparison.states()
    assert ours.architecture == CLASSES[name][0]
    expected = theirs.encode(x)
    comparison.same(ours, expected, x)
    torch.testing.assert_close(ours.decode(ours.encode(x)), theirs.decode(expected), rtol=1e-3, atol=1e-4)


def test_matryoshka_prefix(tmp_path: Path) -> None:
    theirs, x = made("MatryoshkaBatchTopKSAE"), comparison.states()
    written(theirs, "MatryoshkaBatchTopKTrainer", tmp_path)
    theirs.active_groups = 2
    ours = load_sae(tmp_path, prefix=64)
    assert load_sae(tmp_path).metadata["prefixes"] == [32, 64, 128]
    expected = theirs.encode(x)
    assert not expected[:, 64:].any()
    comparison.same(ours, expected[:, :64], x)
    torch.testing.assert_close(ours.decode(ours.encode(x)), theirs.decode(expected), rtol=1e-3, atol=1e-4)
