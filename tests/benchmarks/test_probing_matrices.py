from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.probing import cache
from benchmarks.probing.cache import Source
from benchmarks.probing.evaluate import Options, compare_forms, evaluate
from benchmarks.probing.tasks import Task
from saedata.encode import encode
from saedata.encoders import LoadedEncoder, load_encoder
from saedata.probing.features import Form


@pytest.fixture(scope="module")
def loaded(tiny_encoder: Path) -> LoadedEncoder:
    return load_encoder(tiny_encoder, device="cpu", precision="float32")


@pytest.fixture
def source(loaded: LoadedEncoder, tmp_path: Path) -> Source:
    return Source.of([loaded], cache=tmp_path, device="cpu", precision="float32")


@pytest.fixture
def texts(sentences: list[str]) -> list[str]:
    return [*sentences, " ".join(sentences), sentences[3], ""]


def test_features_are_those_of_embed(source: Source, loaded: LoadedEncoder, texts: list[str]):
    (found,) = source.matrices(texts)
    rows = encode(texts, loaded.reader, loaded.sae).activations
    expected = np.zeros(found.sae.shape, dtype=np.float32)
    expected[rows["doc"].to_numpy(), rows["feature"].to_numpy()] = rows["value"].to_numpy()
    np.testing.assert_allclose(found.sae.toarray(), expected, atol=1e-5)
    assert found.sae.dtype == np.float32
    assert found.sae.nnz


def test_dense_vectors_by_hand(source: Source, texts: list[str]):
    """One text at a time, through the tokenizer and model as transformers has them."""
    import torch

    (found,) = source.matrices(texts)
    reader = source.reader
    for row in (0, 7):
        inputs = reader.tokenizer(texts[row], return_tensors="pt")
        with torch.inference_mode():
            states = reader.model(**inputs, output_hidden_states=True).hidden_states
        layer = states[2][0, 1:-1].numpy()
        np.testing.assert_allclose(found.mean[row], layer.mean(0), atol=1e-5)
        np.testing.assert_allclose(found.max[row], layer.max(0), atol=1e-5)
        sentence = states[3][0].mean(0).numpy()
        np.testing.assert_allclose(found.sentence[row], sentence / np.linalg.norm(sentence), atol=1e-5)


def test_sentence_embedding_reads_the_first_window_only(source: Source, texts: list[str]):
    (found,) = source.matrices(texts)
    long = 60
    assert len(list(source.reader.windows([texts[long]]))) > 1
    assert np.abs(found.sentence[long] - found.sentence_whole[long]).max() > 1e-3
    np.testing.assert_allclose(found.sentence[:60], found.sentence_whole[:60], atol=1e-6)
    inputs = source.reader.tokenizer(
        texts[long], return_tensors="pt", truncation=True, max_length=source.reader.context
    )
    expected = source.reader.model(**inputs).last_hidden_state[0].mean(0).detach().numpy()
    np.testing.assert_allclose(found.sentence[long], expected / np.linalg.norm(expected), atol=1e-5)


def test_a_text_without_tokens_is_a_row_of_zeros(source: Source, texts: list[str]):
    (found,) = source.matrices(texts)
    last = found.rows(np.array([len(texts) - 1]))
    assert last.sae.nnz == 0
    assert not any(np.abs(part).max() for part in (last.mean, last.max, last.sentence, last.sentence_whole))


def test_an_interrupted_run_continues(
    source: Source, texts: list[str], monkeypatch: pytest.MonkeyPatch, loaded: LoadedEncoder
):
    monkeypatch.setattr(cache, "CHUNK", 20)
    real, calls = cache.encode, []

    def breaks(*args: object) -> object:
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(cache, "encode", breaks)
    with pytest.raises(KeyboardInterrupt):
        source.matrices(texts)
    files = sorted(source.folder(loaded).iterdir())
    assert len(files) == 2
    assert all(file.suffix == ".npz" and not file.name.startswith(".") for file in files)
    (found,) = source.matrices(texts)
    (again,) = source.matrices(texts[::-1])
    assert len(calls) == 5  # 62 distinct texts are four chunks; the broken one came twice
    np.testing.assert_array_equal(found.sae.toarray(), again.sae.toarray()[::-1])
    np.testing.assert_array_equal(found.sae[3].toarray(), found.sae[61].toarray())


def test_other_precision_is_another_folder(loaded: LoadedEncoder, source: Source, tmp_path: Path):
    other = Source.of([loaded], cache=tmp_path, device="cpu", precision="bfloat16")
    assert other.folder(loaded) != source.folder(loaded)


def make_task(words: tuple[str, str], sentences: list[str]) -> tuple[Task, pl.DataFrame]:
    texts = [f"{words[row % 2]} {text}" for row, text in enumerate(sentences)]
    part = ["train" if row < 40 else "test" for row in range(len(texts))]
    label = [row % 2 for row in range(len(texts))]
    rows = pl.DataFrame({"text": texts, "label": label, "part": part, "group": texts, "hash": texts})
    return Task(" or ".join(words), "which word?", lambda _: rows), rows


def test_from_texts_to_a_table(source: Source, sentences: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    tasks = [make_task(("sorry", "water"), sentences)]
    quick = Options(forms=[Form()], ks=(1, 4))
    (full,) = evaluate(source, tasks, quick)
    assert full["test_auc"].null_count() == 0
    row = full.row(0, named=True)
    assert (row["task"], row["train"], row["test"]) == ("sorry or water", 40, 20)
    closed = [(task, rows.filter(pl.col("part") == "train")) for task, rows in tasks]
    (validated,) = evaluate(source, closed, replace(quick, baselines=False))
    assert validated["test_auc"].null_count() == validated.height == 2
    assert validated["cv_auc"].equals(full["cv_auc"].head(2))
    (table,) = compare_forms(source, tasks, [Form(0.0), Form()], ks=(4,))
    assert table["form"].to_list() == ["> 0", "value"]
    assert table["k=4 gap"][0] == 0
