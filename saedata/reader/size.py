"""How large a reader is, from its configuration alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from saedata.errors import EncoderError
from saedata.hub import hub_folder
from saedata.reader.blocks import cut_class, text_part
from saedata.reader.strangers import one_sentence, quiet_transformers


def reader_shape(source: str | Path, *, layer: int, beyond: int = 0) -> tuple[int, int] | None:
    """Count the weights of a reader up to its hook layer without reading any; of a hub name only its configuration.

    Parameters
    ----------
    source
        A folder, or a hub name.
    layer, beyond
        As in `load_reader`.

    Returns
    -------
    tuple of int or None
        Parameters, embeddings included, and the width of the hidden state; None if it cannot be told, for reasons
        that loading it will say.
    """
    folder = Path(source) if Path(source).is_dir() else _configuration(str(source))
    if folder is None:
        return None
    try:
        with one_sentence(source), quiet_transformers():
            return _counted(folder, layer, beyond)
    except EncoderError:
        return None


def _configuration(name: str) -> Path | None:
    try:
        return hub_folder(name, ["config.json"], complete=lambda found: (found / "config.json").is_file())
    except EncoderError:  # gated: said when the weights are asked for
        return None


def _counted(folder: Path, layer: int, beyond: int) -> tuple[int, int] | None:
    import torch
    import transformers

    config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
    found: Any = transformers.MODEL_MAPPING.get(type(config), None)
    if found is None:
        return None
    whole = found[0] if isinstance(found, tuple | list) else found
    with torch.device("meta"):
        model = cut_class(whole, layer, beyond, str(folder))(config)
    return sum(p.numel() for p in model.parameters()), int(text_part(model).config.hidden_size)
