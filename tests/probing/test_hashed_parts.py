"""Parts by hash, words of any script, the language's column, and the cut of best F1."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from saedata.errors import EncoderError, InputError
from saedata.frame import Embeddings
from saedata.probing.calibration import best_cut
from saedata.probing.frame_encoder import encoder_of, token_rows
from saedata.probing.hashed import hashed_test, places_within, text_hashes
from saedata.probing.language_column import language_code, read_languages
from saedata.probing.terms import WordList, read_word_list, runs_of, terms_of, words_of

MakeFrame = Callable[..., Embeddings]


def test_hashes_see_no_case_and_no_spaces_but_a_seed():
    assert len(set(text_hashes(["a  B", "A b", " a b\n"]).tolist())) == 1
    assert text_hashes(["a"]).tolist() != text_hashes(["a"], seed=1).tolist()
    assert len(text_hashes(["\ud800", ""])) == 2


def test_a_share_of_every_stratum_whatever_the_order():
    hashes = text_hashes([f"text {n}" for n in range(100)])
    strata = np.repeat([0, 1, 2], [50, 45, 5])
    chosen = hashed_test(hashes, strata, 0.2)
    assert np.bincount(strata[chosen]).tolist() == [10, 9, 1]
    order = np.random.default_rng(0).permutation(100)
    assert hashed_test(hashes[order], strata[order], 0.2).tolist() == chosen[order].tolist()
    assert hashed_test(hashes[:1], strata[:1], 0.5).tolist() == [False]
    places, sizes = places_within(hashes, strata)
    assert sorted(places[strata == 2].tolist()) == [0, 1, 2, 3, 4]
    assert set(sizes.tolist()) == {50, 45, 5}


def test_words_in_several_scripts():
    assert words_of("Grüße, हिन्दी और Élan!") == ["grüsse", "हिन्दी", "और", "élan"]
    assert runs_of("我爱你 and 東京") == ["我爱你", "東京"]
    assert {"爱你", "and"} <= terms_of("我爱你 and", longest=2)
    assert "我爱你" not in terms_of("我爱你", longest=2)


def test_word_lists(tmp_path: Path):
    path = tmp_path / "words.txt"
    path.write_text("\ufeffBad Word\teng\nmies,de\n# skipped\n\n坏\tzh\nrude\n", encoding="utf-8")
    words = read_word_list(path)
    assert words.words == {"en": {"bad word"}, "de": {"mies"}, "zh": {"坏"}, "": {"rude"}}
    assert words.found(terms_of("a bad, word; mies rude"), "en") == {"bad word", "rude"}
    assert words.found(terms_of("a bad, word; mies rude"), None) == {"bad word", "mies", "rude"}
    assert words.longest == 2
    assert WordList({}).longest == 1
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="it is not UTF-8 text"):
        read_word_list(path)


def test_languages_of_documents(make_frame: MakeFrame):
    tongues = ["en", " ", None, "de", "en"]
    frame = make_frame("a.sae", [(f"text {n}", {0: 1.0}) for n in range(5)], user={"lang": tongues})
    with pytest.warns(UserWarning, match="2 documents have no language in 'lang' and are left out: 1, 2"):
        spoken = read_languages(frame, "lang")
    assert (spoken.names, spoken.docs.tolist(), spoken.codes.tolist()) == (("de", "en"), [0, 3, 4], [1, 0, 1])
    assert spoken.of(np.array([0, 1, 4], dtype=np.uint32)).tolist() == [1, -1, 1]
    assert [language_code(name) for name in ("ENG", "zho_Hans", "en-GB", "xx")] == ["en", "zh", "en", "xx"]


def test_the_cut_has_the_best_f1():
    rng = np.random.default_rng(0)
    p = rng.random(200).round(2)
    y = (rng.random(200) < p).astype(int)

    def f1(cut: float) -> float:
        said = p >= cut
        return 2 * (said & (y == 1)).sum() / (said.sum() + y.sum())

    assert f1(best_cut(p, y)) == max(f1(cut) for cut in p)


def test_the_encoder_of_a_frame(make_frame: MakeFrame, tiny_encoder: Path, tmp_path: Path):
    import saedata

    loaded = saedata.load_encoder(tiny_encoder)
    with pytest.raises(EncoderError, match="has other weights"):
        encoder_of(make_frame("a.sae", [("text", {0: 1.0})]), loaded)
    frame = saedata.embed(["hot water", "", "people look down"], out=tmp_path / "b.sae", encoder=tiny_encoder)
    rows = token_rows(frame, encoder=loaded)
    for doc in (0, 2):
        own = rows.filter(doc=doc).sort("start", "feature").select("start", "stop", "feature", "value")
        alone = frame.tokens(doc, encoder=loaded).sort("start", "feature").drop("token")
        assert own.drop("value").equals(alone.drop("value"))
        assert np.allclose(own["value"], alone["value"], atol=1e-5)
    assert rows.filter(doc=1).is_empty()
