"""For every test, docstring example and README example: a cache of their own, and no hub."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["SAEDATA_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["SAEDATA_CONFIG"] = str(tmp_path_factory.mktemp("config"))
    os.environ["HF_HUB_OFFLINE"] = "1"
