"""Tables of encoders, for people: all of them in brief, and one whole."""

from __future__ import annotations

import polars as pl

from saedata.encoders.encoder import Encoder
from saedata.encoders.fetching import missing_parts, state
from saedata.encoders.needs import memory_needed
from saedata.encoders.registry import all_encoders, find_encoder

_SCHEMA = {
    "name": pl.String(),
    "reader": pl.String(),
    "layer": pl.Int64(),
    "features": pl.Int64(),
    "labelled": pl.Int64(),
    "labels": pl.String(),
    "memory": pl.Int64(),
    "state": pl.String(),
    "licence": pl.String(),
    "about": pl.String(),
}
_EXPORTS = "https://neuronpedia-datasets.s3.us-east-1.amazonaws.com/v1"
_NEURONPEDIA = "neuronpedia:"


def list_encoders() -> pl.DataFrame:
    """List the encoders that have a name; nothing is fetched.

    Returns
    -------
    polars.DataFrame
        ``name``; ``reader``, ``layer``; ``features``, and how many of them are ``labelled`` here; where ``labels`` can
        be had; ``memory`` in bytes, on a CPU, with the reader in 16 bits; ``state``: "here", "in part" or "to fetch";
        ``licence``; ``about``.

    Raises
    ------
    EncoderError
        The user's own list cannot be used.

    Examples
    --------
    >>> list_encoders().filter(pl.col("name") == "gpt2-small").select("reader", "layer", "features").row(0)
    ('openai-community/gpt2', 8, 24576)
    """
    return pl.DataFrame([_row(spec) for spec in all_encoders().values()], schema=_SCHEMA)


def describe_encoder(name: str) -> pl.DataFrame:
    """Say all that is known of one encoder.

    Parameters
    ----------
    name
        As in `find_encoder`.

    Returns
    -------
    polars.DataFrame
        ``field`` and ``value``, both text.

    Raises
    ------
    EncoderError
        There is no such encoder.

    Examples
    --------
    >>> table = describe_encoder("gemma-2-2b")
    >>> table.filter(pl.col("field") == "gated")["value"].item()
    'google/gemma-2-2b'
    """
    spec = find_encoder(name)
    told = {key: "" if value is None else f"{value:,}" if isinstance(value, int) else value for key, value in
            _row(spec).items()}  # fmt: skip
    need = memory_needed(spec) if spec.listing and spec.listing.has_shape else None
    told |= {
        "memory": f"{need}, on a CPU with the reader in 16 bits" if need else "",
        "sae": str(spec.sae),
        "hook": f"{spec.hook} of block {spec.layer}",
        "reading": _reading(spec),
        "missing here": "; ".join(f"{what} ({command})" for what, command in missing_parts(spec, download=False)),
    }
    if known := spec.listing:
        told |= {
            "labels": _labels(known.labels),
            "gated": ", ".join(known.gated),
            "seen in": "; ".join(known.seen),
            "not verified": known.unverified,
        }
    return pl.DataFrame([(key, value) for key, value in told.items() if value], schema=["field", "value"], orient="row")


def _row(spec: Encoder) -> dict[str, str | int | None]:
    known = spec.listing
    need = memory_needed(spec) if known and known.has_shape else None
    return {
        "name": spec.name,
        "reader": spec.reader,
        "layer": spec.layer,
        "features": (known.features or None) if known else _features(spec),
        "labelled": pl.read_parquet(spec.labels, columns=["label"])["label"].count() if spec.labels else 0,
        "labels": known.labels if known else "",
        "memory": need.total if need else None,
        "state": state(spec),
        "licence": known.licence if known else "",
        "about": spec.about,
    }


def _features(spec: Encoder) -> int | None:
    """Features of an SAE in the SAELens layout, from its configuration."""
    from saedata.sae.formats.files import open_config

    found = open_config(spec.sae).get("d_sae")
    return found if isinstance(found, int) else None


def _reading(spec: Encoder) -> str:
    """How documents are read, in words."""
    said = [f"windows of up to {spec.context} tokens"] if spec.context else []
    said += ["windows begin with BOS"] if spec.add_bos else []
    said += [f"without the first {spec.skip_first} of a window"] if spec.skip_first else []
    said += [f"norm up to {spec.norm_limit:g} medians"] if spec.norm_limit is not None else []
    said += ["hidden states centred"] if spec.centred else []
    said += [f"on above {spec.threshold:g}"] if spec.threshold else []
    return "; ".join(said)


def _labels(source: str) -> str:
    """Where labels are, and where the files of an export lie."""
    words = source.split("; or ")
    told = [
        f"{word} ({_EXPORTS}/{word.removeprefix(_NEURONPEDIA)}/explanations/batch-N.jsonl.gz)"
        if word.startswith(_NEURONPEDIA)
        else word
        for word in words
    ]
    return "; or ".join(told) + ("; then: saedata label NAME --published FILE --apply" if source else "")
