"""Which encoders there are, and what each is made of.

An encoder is a folder with an SAE in the SAELens layout and an `encoder.json` that says which reader it belongs to;
`features.parquet` (labels, top tokens) and `card.md` lie beside it. The bundled ones are folders of this package.
"""

from __future__ import annotations

import difflib
import importlib.util
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from saedata.errors import EncoderError, InputError
from saedata.reader import Hook

DESCRIPTION, LABELS = "encoder.json", "features.parquet"
_BUNDLED = Path(__file__).parent


@dataclass(frozen=True)
class Encoder:
    """What an encoder is made of; nothing is loaded yet.

    Attributes
    ----------
    name
        Short name.
    reader
        Hub name of the reader, or a folder.
    layer
        Blocks of the reader that run (see `load_reader`).
    sae
        Folder of the SAE.
    context
        Most tokens per window; None: what the reader was made for.
    threshold
        A feature is on above this value.
    reader_package
        Python package and folder in it that carries the reader, tried before the hub.
    reader_sha256
        Expected hash of the reader's `model.safetensors`, where it is known.
    about
        One line for people.
    hook
        Where in the last block the hidden state is taken (see `load_reader`).
    add_bos, skip_first, norm_limit
        Which tokens are read and pooled (see `Reader`).
    """

    name: str
    reader: str
    layer: int
    sae: Path
    context: int | None = None
    threshold: float = 0.0
    reader_package: tuple[str, str] | None = None
    reader_sha256: str | None = None
    about: str = ""
    hook: Hook = "resid_post"
    add_bos: bool = False
    skip_first: int = 0
    norm_limit: float | None = None

    @property
    def labels(self) -> Path | None:
        """Table of feature labels and top tokens, if it has one."""
        path = self.sae / LABELS
        return path if path.exists() else None

    @property
    def reader_folder(self) -> str | Path:
        """Where to load the reader from: the installed package that carries it, else the hub name or folder."""
        if self.reader_package:
            package, folder = self.reader_package
            spec = importlib.util.find_spec(package)  # finds the package without importing it
            if spec and spec.submodule_search_locations:
                path = Path(spec.submodule_search_locations[0], folder)
                if path.is_dir():
                    return path
        return self.reader


def find_encoder(name: str | Path) -> Encoder:
    """Look up an encoder by its short name, or read one from a folder.

    Parameters
    ----------
    name
        A name that `list_encoders()` lists, or a folder that `saedata train` wrote.

    Raises
    ------
    EncoderError
        If there is no such encoder; the message lists the names there are.

    Examples
    --------
    >>> find_encoder("minilm").reader
    'sentence-transformers/all-MiniLM-L6-v2'
    """
    bundled = _BUNDLED / str(name)
    folder = bundled if str(name) in _names() else Path(name)
    if not (folder / DESCRIPTION).is_file():
        guess = difflib.get_close_matches(str(name), _names(), n=1)
        hint = f"did you mean {guess[0]!r}?" if guess else f"known names: {', '.join(_names())}"
        msg = f"there is no encoder {str(name)!r}, neither by name nor as a folder with {DESCRIPTION}; {hint}"
        raise EncoderError(msg)
    return _parse(folder)


def custom_encoder(
    reader: str, *, layer: int, sae: str | Path, context: int | None = None, hook: Hook = "resid_post"
) -> Encoder:
    """Pair any reader with an SAE trained on its layer.

    Parameters
    ----------
    reader
        Folder or hub name, or the name of an encoder whose reader to use.
    layer
        Blocks of the reader that run.
    sae
        Folder or file of the SAE in any known format, or "saelens:RELEASE/ID".
    context
        Most tokens per window.
    hook
        Where in the last of them the hidden state is taken.
    """
    from saedata.sae.formats import is_registered

    folder = Path(sae)
    if not is_registered(sae) and not folder.exists():
        msg = f"there is no SAE folder or file {str(sae)!r}"
        raise EncoderError(msg)
    if reader in _names():
        known = find_encoder(reader)
        return Encoder(
            folder.name,
            known.reader,
            layer,
            folder,
            context or known.context,
            reader_package=known.reader_package,
            reader_sha256=known.reader_sha256,
            hook=hook,
        )
    return Encoder(folder.name, reader, layer, folder, context, hook=hook)


def chosen_encoder(
    encoder: str | Path | Encoder = "minilm",
    *,
    reader: str | None = None,
    layer: int | None = None,
    sae: str | Path | None = None,
    hook: Hook = "resid_post",
    add_bos: bool = False,
    skip_first: int = 0,
    norm_limit: float | None = None,
) -> Encoder:
    """Take an encoder by its name, or the reader, layer and SAE that are given in its place.

    Parameters
    ----------
    encoder
        Name, folder, or what `custom_encoder` gave.
    reader, layer, sae
        All three or none of them; see `custom_encoder`.
    hook, add_bos, skip_first, norm_limit
        How to read with those three (see `load_reader`).

    Raises
    ------
    InputError
        If only some of the three are given, or an option without them.
    """
    given = [value is not None for value in (reader, layer, sae)]
    if reader is None or layer is None or sae is None:
        if any(given):
            msg = "reader, layer and sae belong together: give all three, or an encoder's name"
            raise InputError(msg)
        if (hook, add_bos, skip_first, norm_limit) != ("resid_post", False, 0, None):
            msg = "hook, add_bos, skip_first and norm_limit go with reader, layer and sae; a named encoder has its own"
            raise InputError(msg)
        return encoder if isinstance(encoder, Encoder) else find_encoder(encoder)
    spec = custom_encoder(reader, layer=layer, sae=sae, hook=hook)
    return replace(spec, add_bos=add_bos, skip_first=skip_first, norm_limit=norm_limit)


def list_encoders() -> pl.DataFrame:
    """List the named encoders: name, reader, layer, features, labelled, about.

    Examples
    --------
    >>> list_encoders()["name"].to_list()
    ['minilm']
    """
    rows = []
    for name in _names():
        encoder = _parse(_BUNDLED / name)
        config = orjson.loads((encoder.sae / "cfg.json").read_bytes())
        labels = pl.read_parquet(encoder.labels)["label"].count() if encoder.labels else 0
        rows.append(
            {
                "name": name,
                "reader": encoder.reader,
                "layer": encoder.layer,
                "features": config["d_sae"],
                "labelled": labels,
                "about": encoder.about,
            }
        )
    return pl.DataFrame(rows)


def save_encoder(encoder: Encoder) -> None:
    """Write `encoder.json` beside the SAE, so that the folder is an encoder of its own."""
    values = {k: v for k, v in asdict(encoder).items() if k != "sae" and v is not None}
    (encoder.sae / DESCRIPTION).write_bytes(orjson.dumps(values, option=orjson.OPT_INDENT_2) + b"\n")


def _names() -> list[str]:
    return sorted(path.parent.name for path in _BUNDLED.glob(f"*/{DESCRIPTION}"))


def _parse(folder: Path) -> Encoder:
    """Read `encoder.json`; it may come from a stranger, so every value is checked."""
    kinds: dict[str, type | tuple[type, ...]] = {
        "name": str,
        "reader": str,
        "layer": int,
        "context": int,
        "threshold": (int, float),
        "reader_package": list,
        "reader_sha256": str,
        "about": str,
        "hook": str,
        "add_bos": bool,
        "skip_first": int,
        "norm_limit": (int, float),
    }
    try:
        values: dict[str, Any] = orjson.loads((folder / DESCRIPTION).read_bytes())
        wrong = [key for key, value in values.items() if not isinstance(value, kinds.get(key, ()))]
        if wrong:
            msg = f"{folder / DESCRIPTION}: {', '.join(wrong)} is not known or has the wrong type"
            raise EncoderError(msg)
        if package := values.get("reader_package"):
            values["reader_package"] = (str(package[0]), str(package[1]))
        return Encoder(sae=folder, **values)
    except (orjson.JSONDecodeError, AttributeError, TypeError, IndexError) as error:
        msg = f"{folder / DESCRIPTION} is not an encoder description: {error}"
        raise EncoderError(msg) from error
