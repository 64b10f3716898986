"""A sample of a large corpus is a frame of its own, with the corpus's documents under other numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from dashboard import markup

import saedata
from saedata.frame import FrameWriter
from saedata_apps import opened, samples, tasks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from saedata.frame import Embeddings


@pytest.fixture
def corpus(make_frame: Callable[..., Embeddings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Embeddings:
    """Three groups of 40 documents that have nothing in common."""
    monkeypatch.setenv("SAEDATA_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    rows = []
    for number in range(120):
        own = 8 * (number % 3) + rng.permutation(8)[:5]
        rows.append((f"text {number}", {int(f): 1.0 + rng.random() for f in sorted(own)}))
    labels = pl.DataFrame({"feature": range(24), "label": [f"concept {f}" for f in range(24)]})
    user = {"group": ["x", "y", "z"] * 40}
    return make_frame("groups.sae", rows, features=24, shard=16, user=user, labels=labels.cast({"feature": pl.UInt32}))


def test_a_sample_holds_documents_of_the_corpus(corpus: Embeddings) -> None:
    assert samples.there(corpus, 50) is None
    found = samples.written(corpus, 50)
    docs = samples.chosen(corpus, 50)
    assert docs.is_sorted()
    assert docs.n_unique() == 50
    same = corpus.documents.filter(pl.col("doc").is_in(docs.implode()))
    assert found.documents.drop("doc").equals(same.drop("doc"))
    assert found.documents["doc"].to_list() == list(range(50))
    cells = corpus.scan().filter(pl.col("doc").is_in(docs.implode())).collect()
    assert found.scan().collect().drop("doc").equals(cells.drop("doc"))
    assert found.documents_on().tolist() == corpus.documents_on(docs=docs.to_numpy()).tolist()
    assert found.features["label"].to_list() == corpus.features["label"].to_list()
    again = samples.there(corpus, 50)
    assert again is not None
    assert again.path == found.path
    assert samples.there(corpus, 50, seed=1) is None
    assert not samples.chosen(corpus, 50, seed=1).equals(docs)


def test_an_interrupted_sample_goes_on_where_it_stopped(corpus: Embeddings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "SHARD", 10)
    write, written = FrameWriter.write_shard, []

    def stops(writer: Any, *given: Any, **named: Any) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(given[0].height)
        write(writer, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(FrameWriter, "write_shard", stops)
        with pytest.raises(KeyboardInterrupt):
            samples.written(corpus, 50)
    found = samples.written(corpus, 50)
    assert found.documents["text"].to_list() == [f"text {doc}" for doc in samples.chosen(corpus, 50)]
    assert [shard.documents for shard in found.manifest.shards][:2] == written


def test_clusters_of_a_sample_name_documents_by_their_numbers_in_the_corpus(corpus: Embeddings) -> None:
    tables = tasks.cluster(corpus, sample=60, clusters=3, stability=0)
    docs = samples.chosen(corpus, 60)
    assert tables["documents"]["doc"].to_list() == docs.to_list()
    whole = dict(corpus.documents.select("doc", "group").iter_rows())
    for row in tables["clusters"].filter(pl.col("cluster") >= 0).iter_rows(named=True):
        mine = tables["documents"].filter(pl.col("cluster") == row["cluster"])["doc"].to_list()
        assert {whole[doc] for doc in row["typical"]} == {whole[doc] for doc in mine}
        assert set(row["typical"]) <= set(mine)


def test_a_rectangle_on_a_sampled_map_speaks_of_the_sample(
    visit: Any, corpus: Embeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("saedata_apps.limits.LARGE", 100)
    monkeypatch.setattr("saedata_apps.limits.SAMPLE", 60)
    cluster, diff, asked = saedata.cluster, saedata.diff, []
    monkeypatch.setattr(saedata, "cluster", lambda frame, **options: cluster(frame, **{"stability": 0, **options}))
    monkeypatch.setattr(saedata, "diff", lambda *sides, **options: asked.append(sides) or diff(*sides, **options))
    opened.start([corpus])
    tables = tasks.cluster(corpus, sample=60, clusters=3, columns=["group"])
    inside = tables["documents"].filter(pl.col("cluster") == 0)
    box = ",".join(f"{value:.3f}" for value in (inside["x"].min() - 0.01, inside["x"].max() + 0.01, -1e3, 1e3))
    shown = markup(visit("map", clusters="3", box=box))
    left, right = map(float, box.split(",")[:2])
    there = tables["documents"].filter(pl.col("x").is_between(left, right))
    assert f"Inside: {there.height} documents" in shown
    (sides,) = asked
    assert sides[0].documents["text"].to_list() == [f"text {doc}" for doc in there["doc"]]
    assert sum(side.n_documents for side in sides) == 60
    assert f"document {there['doc'][0]}<" in shown or f"document {there['doc'][0]} " in shown
