"""Lists of encoders: the one of this package, and files that users write in the same form.

A list is a TOML file with a table for each encoder, named by its heading

.. code-block:: toml

    [my-encoder]
    reader = "openai-community/gpt2"    # hub name, or a folder
    layer = 8                           # blocks of the reader that run
    sae = "hub:OWNER/REPOSITORY/FILE"   # or a folder or file (from where the list is), or saelens:RELEASE/ID

and, where you know them, ``about``, ``hook``, ``context``, ``threshold``, ``add_bos``, ``skip_first``, ``norm_limit``,
``centred`` (see `Encoder`), ``features``, ``width``, ``parameters``, ``labels``, ``licence``, ``gated``, ``seen``,
``unverified`` (see `Listing`). With the three sizes the memory it needs is told before anything is fetched.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from saedata.encoders.encoder import Encoder, Listing
from saedata.errors import EncoderError
from saedata.folders import config_folder
from saedata.reader import HOOKS

NAMED = Path(__file__).parent / "named.toml"
FILE = "encoders.toml"

_KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "about": (str, "text"),
    "reader": (str, "text"),
    "layer": (int, "a whole number from 1"),
    "hook": (str, f"one of {', '.join(HOOKS)}"),
    "sae": (str, "text"),
    "context": (int, "a whole number from 1"),
    "threshold": ((int, float), "a number"),
    "add_bos": (bool, "true or false"),
    "skip_first": (int, "a whole number from 0"),
    "norm_limit": ((int, float), "a number from 1"),
    "centred": (bool, "true or false"),
    "features": (int, "a whole number from 1"),
    "width": (int, "a whole number from 1"),
    "parameters": (int, "a whole number from 1"),
    "labels": (str, "text"),
    "licence": (str, "text"),
    "gated": (list, "a list of repositories"),
    "seen": (list, "a list of texts"),
    "unverified": (str, "text"),
}
_NEEDED = ("reader", "layer", "sae")
_LEAST = {"skip_first": 0, "threshold": 0}
_LISTING = {field.name for field in fields(Listing)}


def user_file() -> Path:
    """Where the user's own list is looked for."""
    return config_folder() / FILE


def read_list(path: str | Path) -> dict[str, Encoder]:
    """Read a list of encoders.

    Parameters
    ----------
    path
        A TOML file, as above.

    Raises
    ------
    EncoderError
        It cannot be read; or a key is missing, unknown, or has a value that makes no sense.

    Examples
    --------
    >>> read_list(NAMED)["gpt2-small"].reader
    'openai-community/gpt2'
    """
    place = Path(path)
    try:
        tables = tomllib.loads(place.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"the list of encoders {place} cannot be read: {error}"
        raise EncoderError(msg) from error
    for name, table in tables.items():
        if not isinstance(table, dict):
            msg = f"{place}: {name} stands outside of any encoder; begin each with its name, as in [my-encoder]"
            raise EncoderError(msg)
        if table and all(isinstance(value, dict) for value in table.values()):
            msg = f'{place}: a name with a dot is written in quotation marks, as in ["{name}.{next(iter(table))}"]'
            raise EncoderError(msg)
        _check(table, f"{place}, encoder {name}")
    return {name: _encoder(name, table, place.parent) for name, table in tables.items()}


def _encoder(name: str, table: dict[str, Any], beside: Path) -> Encoder:
    from saedata.sae.formats import is_elsewhere

    sae, reader = table["sae"], Path(table["reader"]).expanduser()
    about: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    parts = {key: value for key, value in about.items() if key not in _LISTING}
    listing = Listing(**{key: value for key, value in about.items() if key in _LISTING})
    place = Path(sae) if is_elsewhere(sae) else beside / Path(sae).expanduser()
    folder = str(beside / reader) if (beside / reader).is_dir() else table["reader"]
    return Encoder(**parts | {"name": name, "reader": folder, "sae": place, "listing": listing})


def _check(table: dict[str, Any], where: str) -> None:
    """Say in one sentence what is wrong, naming the key."""
    msg = ""
    for key in _NEEDED:
        if key not in table:
            msg = f"{where}: the key {key} is missing; {', '.join(_NEEDED)} are needed"
            raise EncoderError(msg)
    for key, value in table.items():
        if key not in _KINDS:
            near = difflib.get_close_matches(key, _KINDS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(_KINDS)}"
            msg = f"{where}: the key {key} is not known; {hint}"
        elif not _fits(key, value):
            msg = f"{where}: {key} = {value!r} should be {_KINDS[key][1]}"
        if msg:
            raise EncoderError(msg)


def _fits(key: str, value: Any) -> bool:
    kind = _KINDS[key][0]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        return False
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value >= _LEAST.get(key, 1)
    return key != "hook" or value in HOOKS
