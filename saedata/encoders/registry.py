"""Which encoders there are: bundled folders, named pairs, the user's own list, and any folder or list by its path.

An encoder is a folder with an SAE in the SAELens layout and an `encoder.json` that says which reader it belongs to;
`features.parquet` (labels, top tokens) and `card.md` lie beside it. The bundled ones are folders of this package.
Named ones stand in a list (see `saedata.encoders.listed`) and are fetched on first use.
"""

from __future__ import annotations

import difflib
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from saedata.encoders.encoder import DESCRIPTION, LABELS, Encoder, Listing
from saedata.encoders.listed import NAMED, read_list, user_file
from saedata.errors import EncoderError, InputError

if TYPE_CHECKING:
    from saedata.reader import Hook

__all__ = [
    "DESCRIPTION",
    "LABELS",
    "Encoder",
    "all_encoders",
    "chosen_encoder",
    "custom_encoder",
    "find_encoder",
    "is_bundled",
    "save_encoder",
]

_BUNDLED = Path(__file__).parent
_LIST = ".toml"


def find_encoder(name: str | Path) -> Encoder:
    """Look up an encoder by its short name, or read one from a folder or a list.

    Parameters
    ----------
    name
        A name that `list_encoders()` lists; a folder that `saedata train` wrote; or a list of the user's own,
        `FILE.toml` where it has one encoder, `FILE.toml:NAME` where it has more.

    Raises
    ------
    EncoderError
        If there is no such encoder; the message lists the names there are.

    Examples
    --------
    >>> find_encoder("minilm").reader
    'sentence-transformers/all-MiniLM-L6-v2'
    >>> find_encoder("gemma-2-2b").layer
    13
    """
    text = str(name)
    if text in _bundled():
        return _parse(_BUNDLED / text)
    if _LIST in text:
        return _listed(text)
    if (Path(name) / DESCRIPTION).is_file():
        return _parse(Path(name))
    known = all_encoders()
    if text in known:
        return known[text]
    guess = difflib.get_close_matches(text, known, n=1)
    hint = f"did you mean {guess[0]!r}?" if guess else f"known names: {', '.join(known)}"
    msg = f"there is no encoder {text!r}, neither by name nor as a folder with {DESCRIPTION}; {hint}"
    raise EncoderError(msg)


def all_encoders() -> dict[str, Encoder]:
    """Every encoder that has a name: the bundled ones, the named pairs, and those of the user's own list.

    Raises
    ------
    EncoderError
        The user's list cannot be used.
    """
    known = {name: _parse(_BUNDLED / name) for name in _bundled()} | read_list(NAMED)
    if not user_file().is_file():
        return known
    own = read_list(user_file())
    if taken := sorted(own.keys() & known.keys()):
        msg = f"{user_file()}: the name {taken[0]} belongs to an encoder of saedata itself; choose another"
        raise EncoderError(msg)
    return known | own


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
        Folder or file of the SAE in any known format, "hub:OWNER/REPOSITORY/FILE", or "saelens:RELEASE/ID".
    context
        Most tokens per window.
    hook
        Where in the last of them the hidden state is taken.
    """
    from saedata.sae.formats import is_elsewhere

    folder = Path(sae)
    if not is_elsewhere(sae) and not folder.exists():
        msg = f"there is no SAE folder or file {str(sae)!r}"
        raise EncoderError(msg)
    if reader in all_encoders():
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


def save_encoder(encoder: Encoder) -> None:
    """Write `encoder.json` beside the SAE, so that the folder is an encoder of its own."""
    left_out = ("sae", "listing")
    values = {k: v for k, v in asdict(encoder).items() if k not in left_out and v is not None}
    (encoder.sae / DESCRIPTION).write_bytes(orjson.dumps(values, option=orjson.OPT_INDENT_2) + b"\n")


def is_bundled(spec: Encoder) -> bool:
    """Whether an encoder is part of this package, whose files are not the user's to change."""
    return spec.sae.is_relative_to(_BUNDLED)


def _bundled() -> list[str]:
    return sorted(path.parent.name for path in _BUNDLED.glob(f"*/{DESCRIPTION}"))


def _listed(text: str) -> Encoder:
    """An encoder of a list that is given by its path."""
    path, _, name = text.partition(f"{_LIST}:")
    place = path if path.endswith(_LIST) else path + _LIST
    found = read_list(place)
    if not name and len(found) == 1:
        return next(iter(found.values()))
    if name not in found:
        what = f"has no encoder {name}" if name else "lists more than one encoder"
        msg = f"{place} {what}; give one as {place}:NAME, of {', '.join(found) or 'none'}"
        raise EncoderError(msg)
    return found[name]


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
        "centred": bool,
        "listing": dict,
    }
    try:
        values: dict[str, Any] = orjson.loads((folder / DESCRIPTION).read_bytes())
        wrong = [key for key, value in values.items() if not isinstance(value, kinds.get(key, ()))]
        if wrong:
            msg = f"{folder / DESCRIPTION}: {', '.join(wrong)} is not known or has the wrong type"
            raise EncoderError(msg)
        if package := values.get("reader_package"):
            values["reader_package"] = (str(package[0]), str(package[1]))
        if told := values.get("listing"):
            values["listing"] = Listing(**told)
        return Encoder(sae=folder, **values)
    except (orjson.JSONDecodeError, AttributeError, TypeError, IndexError) as error:
        msg = f"{folder / DESCRIPTION} is not an encoder description: {error}"
        raise EncoderError(msg) from error
