"""Labels in an encoder's folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

import saedata
from saedata.errors import EncoderError, FrameError
from saedata.labels.store import label_encoder

pytestmark = pytest.mark.usefixtures("quick_disk")


@pytest.fixture
def own(tiny_encoder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_encoder, tmp_path / "own")


def test_an_encoder_with_labels_gives_them_to_its_frames(own: Path, sentences: list[str], tmp_path: Path) -> None:
    written = label_encoder(own, pl.DataFrame({"feature": [3], "label": ["questions"], "kind": ["syntax"]}))
    assert written.height == 64
    frame = saedata.embed(sentences, out=tmp_path / "a.sae", encoder=own)
    assert frame.features.filter(feature=3)["label"].to_list() == ["questions"]
    assert frame.features["label"].count() == 1


def test_old_labels_and_further_columns_stay(own: Path) -> None:
    label_encoder(own, pl.DataFrame({"feature": [3, 4], "label": ["questions", "rain"]}))
    path = own / "features.parquet"
    pl.read_parquet(path).with_columns(family=pl.col("feature") // 2).write_parquet(path)
    label_encoder(
        own, pl.DataFrame({"feature": [4, 5], "label": ["weather", None]}, schema_overrides={"label": pl.String})
    )
    table = pl.read_parquet(path)
    assert table["label"].to_list()[3:6] == ["questions", "weather", None]
    assert table["family"].to_list() == [i // 2 for i in range(64)]


def test_what_does_not_fit_is_refused(own: Path, tmp_path: Path) -> None:
    with pytest.raises(FrameError, match="name each feature from 0 to 63"):
        label_encoder(own, pl.DataFrame({"feature": [64], "label": ["too far"]}))
    with pytest.raises(EncoderError, match="not the folder of an encoder"):
        label_encoder(tmp_path, pl.DataFrame({"feature": [0], "label": ["x"]}))
    (own / "features.parquet").write_bytes(b"not parquet")
    with pytest.raises(EncoderError, match="cannot be read"):
        label_encoder(own, pl.DataFrame({"feature": [0], "label": ["x"]}))
