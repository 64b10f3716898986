from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from planted_encoder import at_angles, axis, plant_encoder, planter

from saedata import incidence
from saedata.encoders import LoadedEncoder, find_encoder
from saedata.errors import EncoderError, InputError
from saedata.hygiene import feature_hygiene
from saedata.sae.formats import load_sae

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from planted_encoder import PlantFrame

    from saedata.frame import Embeddings

DUPLICATES, SPLIT, ALWAYS, NEVER = (0, 5), (1, 2, 3), 4, 6
DECODER = np.concatenate(
    [
        2 * at_angles(0),
        np.concatenate([axis(2) + 0.3 * axis(k) for k in (3, 4, 5)]),
        axis(6),
        at_angles(0.2),
        at_angles(0.1),
        axis(7),
    ]
)
"""0 and 5 are twins, and 6 lies between them but is never on; 1, 2, 3 share a direction; 4 and 7 are alone."""


def planted_rows(documents: int = 40) -> list[tuple[str, dict[int, float]]]:
    """Feature 4 always; 0 and 5 in the same half; 1, 2, 3 each in a third of its own; 7 in one document."""
    rows = []
    for i in range(documents):
        on = {ALWAYS: 2.0, SPLIT[i % 3]: 1.0} | ({0: 1.5, 5: 0.5} if i % 2 else {}) | ({7: 3.0} if i == 8 else {})
        rows.append((f"text number {i}", on))
    return rows


@pytest.fixture
def plant_frame(make_frame: Callable[..., Embeddings], tmp_path: Path) -> PlantFrame:
    return planter(make_frame, tmp_path / "planted")


@pytest.fixture
def frame(plant_frame: PlantFrame) -> Embeddings:
    labels = pl.DataFrame({"feature": [0, 4], "label": ["greeting", "full stops"]}).cast({"feature": pl.UInt32})
    return plant_frame("a", DECODER, planted_rows(), labels=labels, shard=15)


def test_the_planted_table(frame: Embeddings):
    table = feature_hygiene(frame)
    assert table.columns == [
        *("feature", "label", "density", "state", "twin", "cosine", "together", "relation", "family"),
    ]
    kinds = [pl.UInt32, pl.String, pl.Float64, pl.String, pl.UInt32, pl.Float64, pl.Float64, pl.String, pl.UInt32]
    assert table.dtypes == kinds
    assert table["feature"].to_list() == list(range(8))
    assert table["label"][0] == "greeting"
    assert table["label"][1].startswith("feature 1 · tokens:")
    assert table["density"].to_list() == [0.5, 14 / 40, 13 / 40, 13 / 40, 1.0, 0.5, 0.0, 1 / 40]
    assert table["state"].to_list() == ["live"] * 4 + ["always on", "live", "never on", "live"]
    assert table["relation"].to_list() == ["duplicate", *["split"] * 3, None, "duplicate", None, None]
    assert table["family"].to_list() == [0, 1, 1, 1, None, 0, 0, None]
    assert (table["twin"][0], table["twin"][5]) == (5, 0)
    assert all(table["twin"][f] in {*SPLIT} - {f} for f in SPLIT)
    assert table["cosine"].to_list()[:3] == pytest.approx([np.cos(0.2), 1 / 1.09, 1 / 1.09], abs=1e-6)
    assert table["together"].to_list()[:4] == [1.0, 0.0, 0.0, 0.0]


def test_a_feature_that_is_never_on_is_no_twin_but_has_one(frame: Embeddings):
    row = feature_hygiene(frame).row(6, named=True)
    assert row["twin"] in DUPLICATES
    assert (row["together"], row["relation"]) == (0.0, None)


def test_together_by_hand(plant_frame: PlantFrame, monkeypatch: pytest.MonkeyPatch):
    """Twins on in 6 and 5 documents, 4 of them the same: 4 of 7; in blocks of every size."""
    first, second = set(range(6)), {2, 3, 4, 5, 9}
    rows = [(f"t{i}", {f: 1.0 for f, where in enumerate((first, second)) if i in where}) for i in range(12)]
    frame = plant_frame("a", at_angles(0, 0.1), rows)
    for block in (1 << 16, 5, 1):
        monkeypatch.setattr(incidence, "BLOCK", block)
        table = feature_hygiene(frame)
        assert table["together"].to_list() == [4 / 7, 4 / 7]
        assert table["relation"].to_list() == ["duplicate"] * 2


def test_thresholds_of_likeness(frame: Embeddings):
    strict = feature_hygiene(frame, similarity=0.95)
    assert strict["relation"].to_list() == ["duplicate", None, None, None, None, "duplicate", None, None]
    assert strict["family"].to_list() == [0, None, None, None, None, 0, 0, None]
    assert feature_hygiene(frame, always=0.5)["state"].to_list()[0] == "always on"
    assert feature_hygiene(frame, always=0.51)["state"].to_list()[0] == "live"


def test_a_chain_has_relations_but_not_one_family(plant_frame: PlantFrame):
    rows = [(f"t{i}", {i % 3: 1.0}) for i in range(9)]
    table = feature_hygiene(plant_frame("a", at_angles(0, 0.6, 1.25), rows))
    assert table["relation"].to_list() == ["split"] * 3
    assert table["family"].to_list() == [0, 0, None]
    assert table["twin"].to_list() == [1, 0, 1]


def test_the_threshold_decides_what_is_on(frame: Embeddings):
    table = feature_hygiene(frame, threshold=1.0)
    assert table["density"].to_list() == [0.5, 0, 0, 0, 1, 0, 0, 1 / 40]
    assert table["state"].to_list().count("never on") == 5
    assert table["twin"][0] in (4, 7)
    assert table["relation"].null_count() == 8


def test_a_share_that_floats_do_not_hit(plant_frame: PlantFrame):
    rows = [(f"t{i}", {0: 1.0} if i else {}) for i in range(20)]
    assert feature_hygiene(plant_frame("a", axis(2, 3), rows))["state"].to_list() == ["always on", "never on"]


def test_part_of_a_frame(frame: Embeddings):
    part = feature_hygiene(frame.select([0, 4, 6]).filter(pl.col("doc") < 10))
    assert part["feature"].to_list() == [0, 4, 6]
    assert part["density"].to_list() == [0.5, 1.0, 0.0]
    assert part["twin"].to_list() == [4, 0, 0]
    assert part["family"].to_list() == [0, None, 0]


def test_the_encoder_is_found_checked_or_given(frame: Embeddings, tmp_path: Path):
    folder = tmp_path / "planted"
    expected = feature_hygiene(frame)
    loaded: Any = LoadedEncoder(find_encoder(folder), SimpleNamespace(), load_sae(folder), frame.encoder.sae_sha256)
    for encoder in (folder, str(folder), find_encoder(folder), loaded):
        assert feature_hygiene(frame, encoder=encoder).equals(expected)
    plant_encoder(tmp_path / "other", DECODER[::-1])
    with pytest.raises(EncoderError, match="has other weights than the frame was made with"):
        feature_hygiene(frame, encoder=tmp_path / "other")
    with pytest.raises(EncoderError, match="there is no encoder 'nowhere'"):
        feature_hygiene(frame, encoder="nowhere")


def test_bad_calls_are_one_sentence(frame: Embeddings, make_frame: Callable[..., Embeddings]):
    for always in (0.0, 1.5):
        with pytest.raises(InputError, match="it must be above 0 and at most 1"):
            feature_hygiene(frame, always=always)
    with pytest.raises(InputError, match="has no documents"):
        feature_hygiene(frame.filter(pl.col("doc") > 99))
    with pytest.raises(InputError, match="similarity is 2"):
        feature_hygiene(frame, similarity=2)
    with pytest.raises(EncoderError, match="there is no encoder 'tiny'"):
        feature_hygiene(make_frame("t.sae", planted_rows()))
