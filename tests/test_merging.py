from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from planted_encoder import at_angles, axis, plant_encoder, planter

import saedata
from saedata.errors import EncoderError, FrameError, InputError, MismatchError
from saedata.frame import FrameWriter, open_frame, verify
from saedata.hygiene import feature_hygiene
from saedata.merging import merge_families, merged_activations

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from planted_encoder import PlantFrame

    from saedata.frame import Embeddings

DECODER = np.concatenate([axis(3), at_angles(0), axis(4), at_angles(0.1), axis(5), at_angles(0.2)])
"""Features 1, 3 and 5 are a family."""

ROWS = [
    ("one two three four five six", {0: 1.0, 1: 0.5, 3: 2.0, 5: 0.25}),
    ("uno dos tres cuatro cinco seis", {5: 0.75}),
    ("", {}),
    (None, {}),
    ("ein zwei drei vier fünf sechs", {2: 4.0, 3: 1.0}),
    ("un deux trois quatre cinq six", {3: 1.5, 4: 0.125, 5: 1.5}),
]
LABELS = pl.DataFrame(
    {
        "feature": [0, 3, 5],
        "label": ["numbers", "counting", "last words"],
        "kind": ["topic", "topic", "syntax"],
        "label_source": ["a"] * 3,
        "label_score": [0.75] * 3,
    }
).cast({"feature": pl.UInt32, "label_score": pl.Float32})


@pytest.fixture
def plant_frame(make_frame: Callable[..., Embeddings], tmp_path: Path) -> PlantFrame:
    return planter(make_frame, tmp_path / "planted")


@pytest.fixture
def frame(plant_frame: PlantFrame) -> Embeddings:
    return plant_frame("a", DECODER, ROWS, user={"model": list("abcdef")}, labels=LABELS, shard=2)


def merge(frame: Embeddings, out: Path, **options: Any) -> Embeddings:
    return merge_families(frame, out, **options)


def test_sums_and_spans_by_hand(frame: Embeddings, tmp_path: Path):
    found = merge(frame, tmp_path / "m.sae").scan().collect()
    rows = found.with_columns(pl.col("value").cast(pl.Float64)).rows()
    assert rows == [
        (0, 0, 1.0, 0, 3),
        (0, 1, 2.75, 14, 18),  # feature 3, the strongest: the word "four"
        (1, 1, 0.75, 26, 30),
        (4, 1, 1.0, 14, 18),
        (4, 2, 4.0, 9, 13),
        (5, 1, 3.0, 14, 20),  # equal values: the earliest
        (5, 4, 0.125, 21, 25),
    ]


def test_all_else_stays_as_it_is(frame: Embeddings, tmp_path: Path):
    merged = merge(frame, tmp_path / "m.sae")
    same = ["doc", "text", "tokens", "variance_unexplained", "model"]
    assert merged.documents.select(same).equals(frame.documents.select(same))
    assert merged.documents["features_on"].to_list() == [2, 1, 0, 0, 2, 2]
    assert merged.n_features == frame.n_features
    assert merged.manifest.corpora == frame.manifest.corpora
    assert [shard.windowed for shard in merged.manifest.shards] == [1, 1, 1]
    assert merged.manifest.columns == frame.manifest.columns
    assert set(verify(merged.path)["verdict"]) == {"ok"}
    assert merged.features["documents"].to_list() == [1, 4, 1, 0, 1, 0]
    assert np.allclose(merged.to_csr().sum(axis=1), frame.to_csr().sum(axis=1))


def test_labels_are_the_densest_labelled_members(frame: Embeddings, tmp_path: Path):
    table = merge(frame, tmp_path / "m.sae").features
    assert table["label"].to_list() == [
        *("numbers", "counting (+2 merged)", None, "merged into feature 1", None, "merged into feature 1"),
    ]
    assert table["kind"].to_list() == ["topic", "topic", None, None, None, None]
    assert table["label_score"].to_list() == [0.75, None, None, None, None, None]  # the family was not scored
    assert table["tokens"][1].to_list() == frame.features["tokens"][3].to_list()
    assert table["tokens"][3] is None


def test_without_labels_the_tokens_are_the_densest_members(plant_frame: PlantFrame, tmp_path: Path):
    frame = plant_frame("a", DECODER, ROWS)
    table = merge(frame, tmp_path / "m.sae").features
    assert table["label"].to_list()[:3] == [None] * 3
    assert table["tokens"][1].to_list() == frame.features["tokens"][3].to_list()


def test_it_does_not_pass_for_the_encoders_frame(frame: Embeddings, plant_frame: PlantFrame, tmp_path: Path):
    merged = merge(frame, tmp_path / "m.sae")
    assert merged.encoder.sae_sha256 != frame.encoder.sae_sha256
    with pytest.raises(MismatchError, match="other SAE weights"):
        saedata.diff(merged, frame)
    with pytest.raises(MismatchError):
        merged.check_comparable(merge(frame, tmp_path / "n.sae", similarity=0.99))
    other = merge(plant_frame("b", DECODER, ROWS[:2]), tmp_path / "o.sae")
    assert sorted(saedata.diff(merged, other, effects=False)["feature"]) == [0, 1, 2, 4]


def test_tokens_hygiene_and_merging_again_are_refused(frame: Embeddings, tmp_path: Path):
    merged = merge(frame, tmp_path / "m.sae")
    for call in (
        lambda: merged.tokens(0),
        lambda: merged.highlight(0, 1),
        lambda: feature_hygiene(merged),
        lambda: merge(merged, tmp_path / "n.sae"),
    ):
        with pytest.raises(EncoderError, match=r"merged families, which no encoder has: ask the frame"):
            call()
    assert not (tmp_path / "n.sae").exists()


def test_families_of_ones_own(frame: Embeddings, tmp_path: Path):
    mine = pl.DataFrame({"feature": [4, 0, 2], "family": [77, 77, None]})
    merged = merge(frame, tmp_path / "m.sae", families=mine)
    on = merged.scan().filter(pl.col("feature") == 0).collect()
    assert on.select("doc", "value").rows() == [(0, 1.0), (5, 0.125)]
    assert merged.documents_on().tolist() == [2, 1, 1, 3, 0, 3]
    assert merged.manifest.options["families"] == 1
    table = merge(frame, tmp_path / "n.sae", families=feature_hygiene(frame))
    assert table.encoder == merge(frame, tmp_path / "o.sae").encoder


def test_the_encoders_threshold_decides_what_is_on(plant_frame: PlantFrame, tmp_path: Path):
    frame = plant_frame("a", DECODER, ROWS, encoder={"threshold": 1.0})
    merged = merge(frame, tmp_path / "m.sae")
    assert merged.threshold == 1.0
    assert merged.documents["features_on"].to_list() == [1, 0, 0, 0, 1, 1]
    assert merged.documents_on().tolist() == [0, 2, 1, 0, 0, 0]


def test_an_interrupted_run_goes_on(frame: Embeddings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = merge(frame, tmp_path / "whole.sae")
    write, calls = FrameWriter.write_shard, []

    def fails(self: FrameWriter, *args: Any, **options: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        write(self, *args, **options)

    monkeypatch.setattr(FrameWriter, "write_shard", fails)
    with pytest.raises(KeyboardInterrupt):
        merge(frame, tmp_path / "m.sae")
    with pytest.raises(FrameError, match="unfinished"):
        open_frame(tmp_path / "m.sae")
    merge(frame, tmp_path / "m.sae")
    assert len(calls) == 2 + 2
    merge(frame, tmp_path / "m.sae")
    assert len(calls) == 4
    for file in whole.path.rglob("*.*"):
        assert file.is_dir() or file.read_bytes() == (tmp_path / "m.sae" / file.relative_to(whole.path)).read_bytes()


def test_appended_corpora_become_one(frame: Embeddings, make_frame: Callable[..., Embeddings], tmp_path: Path):
    encoder = {"name": frame.encoder.name, "sae_sha256": frame.encoder.sae_sha256}
    more = [("siete ocho nueve", {1: 1.0, 5: 1.0})]
    both = make_frame("a.sae", more, append=True, features=6, encoder=encoder, user={"model": ["g"]}, labels=LABELS)
    merged = merge(both, tmp_path / "m.sae")
    assert len(both.manifest.corpora) == 2
    assert [corpus.documents for corpus in merged.manifest.corpora] == [7]
    assert merged.scan().collect().row(-1)[:3] == (6, 1, 2.0)


def test_bad_calls_are_one_sentence(frame: Embeddings, plant_frame: PlantFrame, tmp_path: Path):
    out = tmp_path / "m.sae"
    for part in (frame.filter(pl.col("doc") > 0), frame.select([1, 3]), type(frame).concat([frame, frame])):
        with pytest.raises(InputError, match="merge whole frames, then filter"):
            merge(part, out)
    with pytest.raises(InputError, match="nothing to merge in a"):
        merge(frame, out, similarity=1.0)
    with pytest.raises(FrameError, match="choose another --out"):
        merge(frame, frame.path)
    tables = {
        "a column 'family' of whole numbers": {"feature": [1], "families": [1]},
        "a column 'feature' of whole numbers": {"feature": ["1"], "family": [1]},
        "each feature from 0 to 5 at most once": {"feature": [1, 6], "family": [1, 1]},
        "from 0 to 5": {"feature": [1, 1], "family": [1, 1]},
        "nothing to merge": {"feature": [1, 3], "family": [1, 3]},
    }
    for message, table in tables.items():
        with pytest.raises(InputError, match=message):
            merge(frame, out, families=pl.DataFrame(table))
    plant_encoder(tmp_path / "other", DECODER[::-1])
    with pytest.raises(EncoderError, match="has other weights"):
        merge(frame, out, encoder=tmp_path / "other")
    assert not out.exists()
    assert frame.documents.height == 6


def test_no_documents_at_all(plant_frame: PlantFrame, tmp_path: Path):
    assert merge(plant_frame("a", DECODER, []), tmp_path / "m.sae").n_documents == 0


def test_random_rows_against_a_slow_sum():
    rng = np.random.default_rng(0)
    into = np.array([0, 1, 1, 3, 0, 5, 1, 3])
    on = rng.random((30, 8)) < 0.5
    rows = [(d, f, rng.random(), f * 3, f * 3 + 2) for d, f in np.argwhere(on).tolist()]
    schema = {"doc": pl.UInt32, "feature": pl.UInt32, "value": pl.Float32, "start": pl.UInt32, "stop": pl.UInt32}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    slow: dict[tuple[int, int], list[tuple[float, int]]] = {}
    for doc, feature, value, start, _ in table.iter_rows():
        slow.setdefault((doc, int(into[feature])), []).append((value, start))
    found = merged_activations(table, into)
    assert found.schema == table.schema
    assert list(zip(found["doc"], found["feature"], strict=True)) == sorted(slow)
    for doc, feature, value, start, stop in found.iter_rows():
        members = slow[doc, feature]
        assert value == pytest.approx(sum(one for one, _ in members), rel=1e-6)
        assert (start, stop) == (max(members)[1], max(members)[1] + 2)
