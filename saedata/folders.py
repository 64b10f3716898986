"""Folders of the user's that outlive a run: what can be made again, and what the user wrote."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Where what can be made again is kept (frames of raw corpora, answers, labels): $SAEDATA_CACHE, else the usual."""
    import platformdirs

    if chosen := os.environ.get("SAEDATA_CACHE"):
        return Path(chosen)
    return platformdirs.user_cache_path("saedata")


def config_folder() -> Path:
    """Where the user's own files are looked for, such as `encoders.toml`: $SAEDATA_CONFIG, else the usual place."""
    import platformdirs

    if chosen := os.environ.get("SAEDATA_CONFIG"):
        return Path(chosen)
    return platformdirs.user_config_path("saedata")
