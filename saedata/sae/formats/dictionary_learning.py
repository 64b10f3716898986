"""`dictionary_learning` (Marks, Karvonen, Mueller): `ae.pt` + `config.json`, every trainer of the library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saedata.sae.architectures import BatchTopK, Gated, JumpReLU, Matryoshka, Standard, TopK

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from saedata.sae.formats.files import Opened
    from saedata.sae.model import SAE

NAME = "dictionary_learning (ae.pt + config.json)"


def matches(found: Opened) -> bool:
    """Whether this is such a file: by its configuration, or by names that only this library gives."""
    return isinstance(found.config.get("trainer"), dict) or _class(found) is not None


def build(found: Opened) -> SAE:
    """The SAE in such files."""
    name = _trainer(found).get("dict_class") or _class(found)
    if name not in _BUILDERS:
        found.refuse(f"dict_class {name!r} is not known here (known: {', '.join(_BUILDERS)})")
    return _BUILDERS[str(name)](found)


def _trainer(found: Opened) -> dict[str, Any]:
    trainer = found.config.get("trainer")
    return trainer if isinstance(trainer, dict) else {}


def _class(found: Opened) -> str | None:
    """Class of the file by the names in it; None where they leave it open."""
    if found.path.suffix not in (".pt", ".pth") or "sae_type" in found.config:
        return None
    signs = {
        "GatedAutoEncoder": ("r_mag", "gate_bias", "mag_bias"),
        "MatryoshkaBatchTopKSAE": ("W_enc", "group_sizes", "threshold"),
        "JumpReluAutoEncoder": ("W_enc", "b_enc", "threshold"),
        "AutoEncoder": ("bias", "encoder.weight", "encoder.bias"),
        "AutoEncoderNew": ("encoder.weight", "encoder.bias", "decoder.bias"),
    }
    return next((name for name, names in signs.items() if found.has(*names)), None)


def _linear(found: Opened, *, bias: str | None) -> dict[str, Any]:
    """Weights of two `Linear` layers, and the bias called `bias` that is subtracted before and added after."""
    encoder = found.take("encoder.weight", None, None)
    d_sae, d_in = encoder.shape
    b_dec = found.take(bias or "decoder.bias", d_in)
    return {
        "W_enc": encoder.T,
        "b_enc": found.take("encoder.bias", d_sae) if found.has("encoder.bias") else encoder.new_zeros(d_sae),
        "W_dec": found.take("decoder.weight", d_in, d_sae).T.contiguous(),
        **_common(found, b_dec, subtracted=bias is not None),
    }


def _plain(found: Opened, *, subtracted: bool) -> dict[str, Any]:
    """Weights of the classes that store matrices themselves."""
    encoder = found.take("W_enc", None, None)
    d_in, d_sae = encoder.shape
    weights = {"W_enc": encoder, "b_enc": found.take("b_enc", d_sae), "W_dec": found.take("W_dec", d_sae, d_in)}
    return weights | _common(found, found.take("b_dec", d_in), subtracted=subtracted)


def _common(found: Opened, b_dec: torch.Tensor, *, subtracted: bool) -> dict[str, Any]:
    trainer = _trainer(found)
    about = {key: trainer[key] for key in ("lm_name", "layer", "submodule_name", "trainer_class") if key in trainer}
    return {"b_dec": b_dec, "mean": b_dec, "apply_b_dec_to_input": subtracted, "metadata": about}


def _standard(found: Opened) -> SAE:
    """The library loads these with decoder rows of length 1, and activations longer by as much."""
    import torch

    weights = _linear(found, bias="bias")
    norm = weights["W_dec"].norm(dim=1)
    if not torch.allclose(norm, torch.ones_like(norm)):
        inverse = (1 / norm).nan_to_num(posinf=0)
        weights |= {"W_enc": weights["W_enc"] * norm, "b_enc": weights["b_enc"] * norm}
        weights["W_dec"] = weights["W_dec"] * inverse[:, None]
    return Standard(**weights)


def _gated(found: Opened) -> SAE:
    weights = _linear(found, bias="decoder_bias")
    theirs = {"b_gate": "gate_bias", "b_mag": "mag_bias", "r_mag": "r_mag"}
    d_sae = weights["W_enc"].shape[1]
    weights |= {ours: found.take(name, d_sae) for ours, name in theirs.items()}
    return Gated(**weights)


def _topk(found: Opened) -> SAE:
    stored = int(found.take("k")) if found.has("k") else None
    k = stored or found.number(_trainer(found), "k")
    if not k:
        found.refuse("neither the file nor config.json says k, the number of features on per token")
    return TopK(**_linear(found, bias="b_dec"), k=k)


def _threshold(found: Opened, d_sae: int) -> torch.Tensor:
    """One number for all features, or one for each."""
    if not found.has("threshold"):
        found.refuse("holds no threshold, without which a BatchTopK SAE cannot be used on single texts")
    shape = () if found.tensors["threshold"].ndim == 0 else (d_sae,)
    return found.take("threshold", *shape).expand(d_sae).contiguous()


def _batchtopk(found: Opened) -> SAE:
    weights = _linear(found, bias="b_dec")
    return BatchTopK(**weights, threshold=_threshold(found, weights["W_enc"].shape[1]))


def _matryoshka(found: Opened) -> SAE:
    weights = _plain(found, subtracted=True)
    d_sae = weights["W_enc"].shape[1]
    if found.has("group_sizes"):
        sizes = found.take("group_sizes", None).cumsum(0).int().tolist()
        weights["metadata"] = weights["metadata"] | {"prefixes": sizes}
    return Matryoshka(**weights, threshold=_threshold(found, d_sae))


def _jumprelu(found: Opened) -> SAE:
    weights = _plain(found, subtracted=False)
    return JumpReLU(**weights, threshold=_threshold(found, weights["W_enc"].shape[1]))


_BUILDERS: dict[str, Callable[[Opened], SAE]] = {
    "AutoEncoder": _standard,
    "AutoEncoderNew": lambda found: Standard(**_linear(found, bias=None)),
    "GatedAutoEncoder": _gated,
    "AutoEncoderTopK": _topk,
    "BatchTopKSAE": _batchtopk,
    "MatryoshkaBatchTopKSAE": _matryoshka,
    "JumpReluAutoEncoder": _jumprelu,
}
