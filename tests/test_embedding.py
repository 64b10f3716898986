"""From a corpus to a frame: shards, resume, cache, refusal, agreement of precisions."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import saedata
from saedata.corpus import read_corpus
from saedata.embedding import _estimate, as_embeddings, embed
from saedata.encoders import LoadedEncoder, load_encoder
from saedata.errors import CorpusError, FrameError, InputError
from saedata.families import decoder_of
from saedata.folders import cache_folder
from saedata.frame.relabel import relabel_frame
from saedata.sae.architectures import AbsTopK
from saedata.sae.poles import Poles


@pytest.fixture(scope="module")
def tiny(tiny_encoder: Path) -> LoadedEncoder:
    return load_encoder(tiny_encoder, device="cpu", precision="float32")


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_documents_keep_their_columns_and_get_ours(tiny: LoadedEncoder, tmp_path: Path) -> None:
    corpus = pl.DataFrame({"text": ["water is hot", None, "sound"], "model": ["a", "b", "b"], "score": [1, 2, 3]})
    frame = embed(corpus, encoder=tiny, out=tmp_path / "x.sae", shard_documents=2)
    assert frame.documents.columns[:5] == ["doc", "text", "tokens", "features_on", "variance_unexplained"]
    assert frame.documents["model"].to_list() == ["a", "b", "b"]
    assert frame.documents["tokens"].to_list() == [3, 0, 1]
    assert frame.documents["doc"].to_list() == [0, 1, 2]
    assert len(frame.manifest.shards) == 2
    assert frame.n_features == 64


def test_a_column_with_our_name_is_renamed_and_said(
    tiny: LoadedEncoder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    corpus = pl.DataFrame({"text": ["water"], "tokens": [7]})
    with caplog.at_level("INFO", logger="saedata"):
        frame = embed(corpus, encoder=tiny, out=tmp_path / "x.sae", text="text")
    assert frame.documents["user_tokens"].to_list() == [7]
    assert "user_tokens" in caplog.text


def test_two_runs_give_identical_frames(tiny: LoadedEncoder, sentences: list[str], tmp_path: Path) -> None:
    for name in ("a.sae", "b.sae"):
        embed(sentences, encoder=tiny, out=tmp_path / name, shard_documents=16)
    assert tree(tmp_path / "a.sae") == tree(tmp_path / "b.sae")


def test_an_interrupted_run_ends_as_if_nothing_had_happened(
    tiny: LoadedEncoder, sentences: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed(sentences, encoder=tiny, out=tmp_path / "whole.sae", shard_documents=16)
    calls = []

    def stop(texts: list[str], *arguments: object, **options: object) -> object:
        calls.append(len(texts))
        if len(calls) == 5:  # two calls estimate, then shards
            raise KeyboardInterrupt
        return saedata.encode.encode(texts, *arguments, **options)

    import saedata.encode

    monkeypatch.setattr("saedata.embedding.encode", stop)
    with pytest.raises(KeyboardInterrupt):
        embed(sentences, encoder=tiny, out=tmp_path / "cut.sae", shard_documents=16)
    with pytest.raises(FrameError, match="same"):
        saedata.open(tmp_path / "cut.sae")
    calls.clear()
    calls.extend([0] * 9)
    embed(sentences, encoder=tiny, out=tmp_path / "cut.sae", shard_documents=16)
    assert calls.count(16) == 1  # the two shards that were there are not made again
    assert tree(tmp_path / "cut.sae") == tree(tmp_path / "whole.sae")


def test_a_finished_frame_is_returned_at_once(
    tiny: LoadedEncoder, sentences: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed(sentences, encoder=tiny, out=tmp_path / "a.sae")
    monkeypatch.setattr("saedata.embedding.encode", None)
    assert embed(sentences, encoder=tiny, out=tmp_path / "a.sae").n_documents == len(sentences)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"corpus": ["another text"]}, "corpus"),
        ({"shard_documents": 5}, "shard_documents"),
    ],
)
def test_another_run_is_refused_and_left_alone(tiny: LoadedEncoder, tmp_path: Path, change: dict, message: str) -> None:
    embed(["water is hot"], encoder=tiny, out=tmp_path / "a.sae")
    before = tree(tmp_path / "a.sae")
    options = {"corpus": ["water is hot"]} | change
    with pytest.raises(FrameError, match=message):
        embed(options.pop("corpus"), encoder=tiny, out=tmp_path / "a.sae", **options)
    assert tree(tmp_path / "a.sae") == before


def test_append_adds_documents(tiny: LoadedEncoder, tmp_path: Path) -> None:
    embed(["water", "hot"], encoder=tiny, out=tmp_path / "a.sae")
    frame = embed(["sound"], encoder=tiny, out=tmp_path / "a.sae", append=True)
    assert frame.documents["text"].to_list() == ["water", "hot", "sound"]
    assert frame.documents["doc"].to_list() == [0, 1, 2]


def test_raw_corpora_are_embedded_into_the_cache_once(
    tiny: LoadedEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notes.txt").write_text("water is hot\npeople look\n")
    first = as_embeddings(tmp_path / "notes.txt", encoder=tiny)
    assert first.name == "notes"
    assert first.path is not None
    assert first.path.is_relative_to(cache_folder())
    monkeypatch.setattr("saedata.embedding.encode", None)
    assert as_embeddings(tmp_path / "notes.txt", encoder=tiny).n_documents == 2
    assert as_embeddings(first) is first
    assert as_embeddings(first.path).n_documents == 2


def test_a_frame_is_a_corpus_too(tiny: LoadedEncoder, tmp_path: Path) -> None:
    corpus = pl.DataFrame({"text": ["water is hot", "sound"], "model": ["a", "b"]})
    first = embed(corpus, encoder=tiny, out=tmp_path / "a.sae")
    again = embed(tmp_path / "a.sae", encoder=tiny, out=tmp_path / "b.sae", shard_documents=1)
    same = ["doc", "text", "model"]
    assert again.documents.select(same).equals(first.documents.select(same))


def test_tokens_and_highlights_come_from_the_encoder_again(tiny: LoadedEncoder, tmp_path: Path) -> None:
    frame = embed(["water <b>is</b> hot"], encoder=tiny, out=tmp_path / "a.sae")
    feature = int(frame.scan().collect()["feature"][0])
    tokens = frame.tokens(0, encoder=tiny)
    assert {"token", "start", "stop", "feature", "value"} <= set(tokens.columns)
    marked = frame.highlight(0, feature, encoder=tiny)
    assert "<mark" in marked
    assert "<b>" not in marked


@pytest.fixture(scope="module")
def signed(tiny: LoadedEncoder) -> LoadedEncoder:
    plain = {f.name: getattr(tiny.sae, f.name) for f in fields(tiny.sae) if f.name != "threshold"}
    return replace(tiny, sae=AbsTopK(**plain, k=9))


def test_a_signed_feature_becomes_two_columns(signed: LoadedEncoder, sentences: list[str], tmp_path: Path) -> None:
    """Each pole's maximum over the tokens and the span it is from, as a loop over tokens of the signed SAE has it."""
    frame = embed(sentences[:8], encoder=signed, out=tmp_path / "a.sae")
    assert (frame.n_features, frame.encoder.d_sae, frame.encoder.architecture) == (128, 128, "abstopk, both poles")
    found = {(doc, feature): rest for doc, feature, *rest in frame.scan().collect().iter_rows()}
    assert isinstance(signed.sae, Poles)
    best: dict[tuple[int, int], tuple[float, int, int]] = {}
    for doc, text in enumerate(sentences[:8]):
        (window,) = signed.reader.windows([text])
        x = signed.reader.hidden(torch.tensor(window.ids)[None], torch.ones(1, len(window.ids), dtype=torch.long))[0]
        values = signed.sae.signed_sae.encode(x[torch.tensor(window.pooled)])
        for token, (start, stop) in enumerate(
            zip(window.starts[window.pooled], window.stops[window.pooled], strict=True)
        ):
            for feature in values[token].nonzero()[:, 0].tolist():
                value = float(values[token, feature])
                pole = (doc, feature if value > 0 else 64 + feature)
                if abs(value) > best.get(pole, (0.0, 0, 0))[0]:
                    best[pole] = (abs(value), int(start), int(stop))
    assert found.keys() == best.keys()
    assert any(feature >= 64 for _, feature in found)
    for pole, (value, start, stop) in best.items():
        assert found[pole][0] == pytest.approx(value, rel=1e-4)
        assert found[pole][1:] == [start, stop]
    both = {(doc, feature) for doc, feature in found if (doc, feature + 64) in found}
    assert both  # a document can have both poles of a feature, on different tokens


def test_the_text_view_and_names_show_poles(signed: LoadedEncoder, sentences: list[str], tmp_path: Path) -> None:
    frame = embed(sentences[:8], encoder=signed, out=tmp_path / "a.sae")
    feature = int(frame.scan().filter(pl.col("feature") >= 64).collect()["feature"][0])
    doc = int(frame.top_documents(feature, 1)["doc"][0])
    tokens = frame.tokens(doc, encoder=signed).filter(pl.col("feature") == feature)
    assert tokens["value"].max() == pytest.approx(frame.top_documents(feature, 1)["value"][0], rel=1e-4)
    assert "<mark" in frame.highlight(doc, feature, encoder=signed)
    kinds = frame.features["kind"]
    assert kinds.to_list() == ["positive pole"] * 64 + ["negative pole"] * 64
    rows = decoder_of(frame, signed)
    assert np.array_equal(rows[:64], -rows[64:])


def test_bad_input_leaves_nothing_behind(tiny: LoadedEncoder, tmp_path: Path) -> None:
    with pytest.raises(CorpusError):
        embed(tmp_path / "nowhere.jsonl", encoder=tiny, out=tmp_path / "a.sae")
    with pytest.raises(CorpusError):
        embed([None, ""], encoder=tiny, out=tmp_path / "a.sae")
    with pytest.raises(InputError, match="belong together"):
        embed(["water"], reader="x", out=tmp_path / "a.sae")
    assert not (tmp_path / "a.sae").exists()


def test_a_disk_that_is_too_small_is_noticed_before_the_work(
    tiny: LoadedEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage._replace(free=10))
    with pytest.raises(FrameError, match="only 10 bytes is free"):
        embed(["water is hot"], encoder=tiny, out=tmp_path / "a.sae")
    assert not (tmp_path / "a.sae").exists()


def test_the_estimate_is_said_first(
    tiny: LoadedEncoder, sentences: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="saedata"):
        frame = embed(sentences, encoder=tiny, out=tmp_path / "a.sae")
    said = next(r.getMessage() for r in caplog.records if "embedding" in r.getMessage())
    tokens = int(said.split("about ")[1].split(" tokens")[0].replace(",", ""))
    assert tokens == pytest.approx(int(frame.documents["tokens"].sum()), rel=0.2)
    assert "on disk" in said
    assert "of memory" in said


def agreement(a: saedata.Embeddings, b: saedata.Embeddings) -> tuple[float, float, float]:
    """Jaccard of features on, share with the same peak, median relative difference of values."""
    joined = a.scan().join(b.scan(), on=("doc", "feature"), how="full", coalesce=True).collect()
    both = joined.drop_nulls(["value", "value_right"])
    peak = (both["start"] == both["start_right"]).mean()
    change = ((both["value_right"] - both["value"]).abs() / both["value"]).median()
    return both.height / joined.height, float(peak), float(change)


SAMPLE = Path(__file__).parents[1] / "samples" / "willow.jsonl"


@pytest.fixture(scope="module")
def real() -> saedata.Embeddings:
    return embed(SAMPLE, encoder=load_encoder("minilm", device="cpu", precision="float32"), limit=60)


def test_bfloat16_agrees_with_float32(real: saedata.Embeddings) -> None:
    low = embed(SAMPLE, encoder=load_encoder("minilm", device="cpu", precision="bfloat16"), limit=60)
    jaccard, peak, change = agreement(real, low)
    assert jaccard >= 0.97
    assert peak >= 0.98
    assert change <= 0.01


@pytest.mark.parametrize("budget", [1, 7 * 256, 64 * 256])
def test_batch_size_and_order_leave_real_documents_as_they_are(real: saedata.Embeddings, budget: int) -> None:
    """Batches of one window, about 7 and about 64."""
    encoder = load_encoder("minilm", device="cpu", precision="float32")
    order = np.random.default_rng(0).permutation(60)
    texts = real.documents["text"].gather(order)
    moved = embed(texts.to_list(), encoder=encoder, token_budget=budget)
    places = pl.DataFrame({"doc": pl.Series(range(60), dtype=pl.UInt32), "was": pl.Series(order, dtype=pl.UInt32)})
    back = moved.scan().collect().join(places, on="doc").with_columns(doc="was")
    joined = real.scan().collect().join(back, on=("doc", "feature"), how="full", coalesce=True)
    both = joined.drop_nulls(["value", "value_right"])
    assert both.height / joined.height >= 0.9999
    assert (both["value"] - both["value_right"]).abs().max() <= 1e-4


def test_appending_keeps_the_labels_that_a_frame_was_given(
    tiny: LoadedEncoder, sentences: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "a.sae"
    usual = embed(sentences[:20], encoder=tiny, out=out).features
    own = pl.DataFrame({"feature": [3, 5], "label": ["mine", "mine too"], "tokens": [["given"], None]})
    relabel_frame(out, own)
    after = embed(sentences[20:40], encoder=tiny, out=out, append=True).features
    assert after["label"].to_list()[3:6:2] == ["mine", "mine too"]
    assert after["tokens"].to_list()[3] == ["given"]
    others = ~pl.col("feature").is_in([3, 5])
    fresh = embed(sentences[:40], encoder=tiny, out=tmp_path / "fresh.sae").features
    assert after.filter(others).select("label", "tokens").equals(fresh.filter(others).select("label", "tokens"))
    assert not after.select("documents").equals(usual.select("documents"))


def test_the_memory_estimate_knows_the_size_of_a_shard(tiny: LoadedEncoder, sentences: list[str]) -> None:
    corpus = read_corpus(sentences * 40)
    few, many = (_estimate(corpus, tiny, 512, shard).memory for shard in (16, 10**6))
    everything = _estimate(corpus, tiny, 512, corpus.documents).memory
    assert few < many == everything
