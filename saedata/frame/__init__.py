"""The sparse frame: a corpus' embeddings on disk, and the `Embeddings` class over them."""

from __future__ import annotations

from saedata.frame.embeddings import Embeddings, open_frame
from saedata.frame.features import feature_name, feature_name_expr, names_across
from saedata.frame.highlight import Html
from saedata.frame.manifest import CorpusInfo, EncoderInfo, Manifest, Shard
from saedata.frame.stored import is_frame
from saedata.frame.verify import verify
from saedata.frame.writer import FrameWriter

__all__ = [
    "CorpusInfo",
    "Embeddings",
    "EncoderInfo",
    "FrameWriter",
    "Html",
    "Manifest",
    "Shard",
    "feature_name",
    "feature_name_expr",
    "is_frame",
    "names_across",
    "open_frame",
    "verify",
]
