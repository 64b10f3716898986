"""SAELens's registry of pretrained SAEs: `saelens:RELEASE/ID`."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saedata.errors import EncoderError
from saedata.sae.formats import saelens
from saedata.sae.formats.files import Opened

if TYPE_CHECKING:
    from saedata.sae.model import SAE

PREFIX = "saelens:"


def load_pretrained(name: str) -> SAE:
    """Load an SAE that SAELens lists, through SAELens; it is downloaded on first use.

    Parameters
    ----------
    name
        ``saelens:RELEASE/ID``, as in ``saelens:gpt2-small-res-jb/blocks.8.hook_resid_pre``.

    Raises
    ------
    EncoderError
        If SAELens is not installed, does not list it, or cannot get it.
    """
    release, _, sae_id = name.removeprefix(PREFIX).partition("/")
    if not release or not sae_id:
        msg = f"{name!r} should read saelens:RELEASE/ID, as saelens:gpt2-small-res-jb/blocks.8.hook_resid_pre"
        raise EncoderError(msg)
    try:
        import sae_lens  # type: ignore[import-not-found]
    except ImportError as error:
        msg = f"{name} needs SAELens: pip install 'saedata[saelens]'"
        raise EncoderError(msg) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = sae_lens.SAE.from_pretrained(*_split(name.removeprefix(PREFIX)), device="cpu")
    except (ValueError, KeyError, OSError, RuntimeError, ImportError) as error:
        reason = str(error).strip().split("\n")[0]
        msg = f"SAELens could not give {name}: {reason or type(error).__name__}"
        raise EncoderError(msg) from error
    return convert(theirs, name)


def convert(theirs: Any, name: str) -> SAE:
    """An SAE object of SAELens as ours; `name` is said in errors."""
    config = theirs.cfg.to_dict()
    tensors = {key: value.detach() for key, value in theirs.state_dict().items()}
    found = Opened(Path(name), tensors, {}, config, Path(name))
    return found.checked(saelens.build(found))


def _split(name: str) -> tuple[str, str]:
    """Release and id; a release that is not listed can be a hub repository, whose name has a slash of its own."""
    from sae_lens.loading.pretrained_saes_directory import (  # type: ignore[import-not-found]
        get_pretrained_saes_directory,
    )

    release, _, sae_id = name.partition("/")
    if release not in get_pretrained_saes_directory() and "/" in sae_id:
        owner, (repository, _, sae_id) = release, sae_id.partition("/")
        release = f"{owner}/{repository}"
    return release, sae_id
