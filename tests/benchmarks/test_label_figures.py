"""The figures of labels: margins over a feature's own tokens, and what is on in chat text."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks import blind_check, label_scores
from benchmarks.harness import Skipped
from benchmarks.held_out import held_out, labelled_encoder
from benchmarks.label_scores import as_tokens, chat_figures, documents_on, embedder_figures
from saedata.encoders import load_encoder
from saedata.labels.windows import WindowPool

KINDS = ["topic", "token", "tone", None]


def table(features: int = 64) -> pl.DataFrame:
    rows = range(features)
    return pl.DataFrame(
        {
            "feature": pl.Series(rows, dtype=pl.UInt32),
            "label": [f"label {f}" for f in rows],
            "kind": [KINDS[f % 4] for f in rows],
            "tokens": [["the", "a", "of", "and", "to", "in"]] * features,
        }
    )


def oracle(pool: WindowPool) -> object:
    """Embeds a window as what is on in it, a label as its feature, and tokens as nothing."""
    on = np.zeros((len(pool.texts), pool.d_sae), dtype=np.float32)
    for f in range(pool.d_sae):
        on[pool.activating(f)[0], f] = 1
    known = dict(zip(pool.texts, on, strict=True))
    eye = np.eye(pool.d_sae, dtype=np.float32)
    nothing = np.zeros(pool.d_sae, dtype=np.float32)

    def embed(texts: list[str]) -> np.ndarray:
        named = {f"label {f}": eye[f] for f in range(pool.d_sae)}
        return np.stack([known.get(text, named.get(text, nothing)) for text in texts])

    return embed


def test_labels_that_say_it_beat_tokens_that_do_not(tiny_encoder: Path, sentences: list[str]):
    pool = WindowPool.read(sentences * 2, load_encoder(tiny_encoder, precision="float32"), size=4)
    found = embedder_figures(pool, table(), "oracle", oracle(pool), targets=True)  # type: ignore[arg-type]
    by_name = {figure.name: figure for figure in found}
    assert by_name["AUROC of labels, oracle"].value == 1.0
    assert by_name["AUROC of own top 5 tokens, oracle"].value == 0.5
    assert by_name["margin over own top 5 tokens, oracle"].value == 0.5
    assert by_name["margin over own top 5 tokens, oracle"].verdict == "pass"
    assert 0.3 < by_name["AUROC of a random other label, oracle"].value < 0.7
    kinds = {f"AUROC of labels, {kind or 'without kind'}, oracle" for kind in KINDS}
    assert kinds <= by_name.keys()


def test_a_feature_is_judged_by_its_first_five_tokens():
    labels = table(2).with_columns(label=pl.Series(["x", None]))
    assert as_tokens(labels)["label"].to_list() == ["the, a, of, and, to"]


def test_features_on_in_chat_text_by_hand(tiny_encoder: Path, sentences: list[str], monkeypatch: pytest.MonkeyPatch):
    encoder = load_encoder(tiny_encoder, precision="float32")
    counts = np.zeros(64, dtype=np.int64)
    counts[[0, 1, 2, 3, 4]] = [10, 30, 1, 5, 4]  # topic, token, tone, none, topic
    monkeypatch.setattr("benchmarks.label_scores.documents_on", lambda *_: counts)
    share, weighted, without = chat_figures(encoder, table(), sentences)
    assert share.value == pytest.approx(3 / 5)
    assert weighted.value == pytest.approx(15 / 50)
    assert without.value == 1
    assert share.n == "5 features, 60 documents"


def test_documents_are_counted_above_the_threshold(tiny_encoder: Path, sentences: list[str]):
    encoder = load_encoder(tiny_encoder, precision="float32")
    pool = WindowPool.read(sentences, encoder)
    expected = [len({int(pool.document[w]) for w in pool.activating(f)[0]}) for f in range(64)]
    assert documents_on(encoder, sentences).tolist() == expected


@pytest.fixture
def labelled(tiny_encoder: Path, sentences: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny encoder with labels, and a folder with held-out text."""
    shutil.copytree(tiny_encoder, tmp_path / "labelled")
    table().write_parquet(tmp_path / "labelled" / "features.parquet")
    texts = pl.DataFrame(
        {"text": sentences, "source": [["chat answers", "news"][i % 2] for i in range(len(sentences))]}
    )
    texts.write_parquet(tmp_path / "held_out.parquet")
    monkeypatch.setenv("SAEDATA_BENCH_MIX", str(tmp_path))
    return tmp_path / "labelled"


def test_everything_is_measured(labelled: Path, monkeypatch: pytest.MonkeyPatch):
    def embed(texts: list[str]) -> np.ndarray:
        return np.array([[len(text), text.count("e"), 1] for text in texts], dtype=np.float32)

    monkeypatch.setattr(label_scores, "ENCODER", str(labelled))
    monkeypatch.setattr(label_scores, "embed_sentences", embed)
    monkeypatch.setattr(label_scores, "universal_sentence_encoder", lambda: embed)
    monkeypatch.setattr(label_scores, "has_second_embedder", lambda: True)
    monkeypatch.setenv("SAEDATA_BENCH_RANDOM", str(labelled))
    found = {figure.name: figure for figure in label_scores.measure()}
    assert [figure.name for figure in found.values() if figure.target] == [
        "AUROC of labels, MiniLM",
        "margin over own top 5 tokens, MiniLM",
        "features on in chat text that are not token",
        "the same, weighted by documents on",
    ]
    assert {"AUROC of labels, USE", "AUROC of labels of a random-weight SAE of equal L0, MiniLM"} <= found.keys()
    assert found["features on in chat text without a kind"].n.endswith("30 documents")


def test_blind_material_is_made_from_held_out_text(labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(blind_check, "OWN", 10)
    monkeypatch.setattr(blind_check, "SWAPPED", 5)
    assert blind_check.main(["make", "--out", str(tmp_path / "blind"), "--encoder", str(labelled)]) == 0
    material = [json.loads(line) for line in (tmp_path / "blind" / "material.jsonl").read_text().splitlines()]
    key = blind_check.read_key(tmp_path / "blind")
    assert [row["item"] for row in material] == [item.item for item in key]
    shown = [window["text"] for row in material for window in row["windows"]]
    assert [sha256(text.encode()).hexdigest() for text in shown] == [h for item in key for h in item.sha256]
    whole = " ".join(held_out()["text"])
    assert all(text in whole for text in shown)
    assert not any(text in (tmp_path / "blind" / "key.jsonl").read_text() for text in shown)


def test_without_text_or_labels_it_is_skipped(tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SAEDATA_BENCH_MIX", str(tmp_path))
    with pytest.raises(Skipped, match=r"no held_out\.parquet"):
        held_out()
    with pytest.raises(Skipped, match="no labels yet"):
        labelled_encoder(str(tiny_encoder))
    pl.DataFrame({"text": ["a", "b"], "source": ["x", "y"]}).write_parquet(tmp_path / "held_out.parquet")
    assert sorted(held_out().rows()) == [("a", "x"), ("b", "y")]
