"""A frame may lie in a folder of any name."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest


@pytest.mark.parametrize("name", ["a[1].sae", "**b**.sae", "what?.sae", "<c> $d$ {e}.sae"])
def test_a_folder_may_be_called_like_a_pattern(make_frame: Any, name: str) -> None:
    frame = make_frame(name, [("one", {1: 1.0}), ("two", {1: 2.0, 2: 1.0}), ("three", {}), ("four", {2: 3.0})])
    assert frame.documents["text"].to_list() == ["one", "two", "three", "four"]
    assert frame.scan().collect().height == 4
    assert frame.top_documents(2, 1)["text"].to_list() == ["four"]
    assert frame.filter(pl.col("doc") > 0).documents_on()[1] == 1
    assert frame.to_csr().nnz == 4
