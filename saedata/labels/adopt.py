"""Giving a frame or an encoder labels that others published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from saedata.encoder_labels import pole_labels
from saedata.encoders.registry import LABELS, find_encoder, is_bundled
from saedata.errors import EncoderError, InputError
from saedata.frame import is_frame, open_frame
from saedata.frame.relabel import relabel_frame
from saedata.labels.published import published_labels
from saedata.labels.store import known_labels, label_encoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from saedata.encoders import Encoder

_BOTH = "both poles"


def import_labels(
    target: str | Path,
    paths: str | Path | Sequence[str | Path],
    *,
    source: str | None = None,
    apply: bool = False,
) -> pl.DataFrame:
    """Read published labels for a frame or an encoder, and if wanted put them there.

    Parameters
    ----------
    target
        A frame; or an encoder by its name, folder or list.
    paths
        Files of labels; see `published_labels`.
    source
        Where they are from; default: what the files say of themselves.
    apply
        Put them there: into the frame's table of features, or beside the encoder, so that frames made from now on have
        them. Features that they do not name keep what they have.

    Returns
    -------
    polars.DataFrame
        Label table, one row for each feature with a label.

    Raises
    ------
    InputError
        A file holds no labels, or those of another SAE.
    EncoderError, FrameError
        There is no such encoder or frame, or it cannot be written.
    """
    if is_frame(target):
        frame = open_frame(Path(target))
        signed = frame.encoder.architecture.endswith(_BOTH)
        table = published_labels(paths, features=frame.n_features // (2 if signed else 1), source=source)
        if signed:
            table = pole_labels(table, frame.n_features // 2).filter(pl.col("label").is_not_null())
        if apply:
            relabel_frame(Path(target), table)
        return table
    spec = find_encoder(target)
    features = _features(spec)
    table = published_labels(paths, features=features, source=source)
    if apply and is_bundled(spec):
        msg = f"the labels of {spec.name} are part of saedata; put others into a frame that was made with it"
        raise InputError(msg)
    if apply:
        label_encoder(spec.folder, table, there=known_labels(spec.folder / LABELS, features))
    return table


def _features(spec: Encoder) -> int:
    """How many features an encoder has, without reading its weights."""
    from saedata.sae.formats.files import open_config

    if spec.listing and spec.listing.features:
        return spec.listing.features
    found = open_config(spec.sae).get("d_sae") if spec.sae.exists() else None
    if not isinstance(found, int):
        msg = f"it is not known how many features the encoder {spec.name} has; say features = N in its list"
        raise EncoderError(msg)
    return found
