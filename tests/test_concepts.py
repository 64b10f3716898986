"""Choosing features by words, kinds and numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from saedata import concepts, label_vectors
from saedata.concepts import NoFeatureError, choose_features
from saedata.endpoint import Prompt, Reply
from saedata.errors import FrameError, InputError, SaedataError
from saedata.frame import open_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from saedata.frame import Embeddings

    MakeFrame = Callable[..., Embeddings]

LABELS = ["warm tone", "cold tone", None, "dogs", "cats", "code", "never on", " "]
KINDS = ["tone", "tone", None, "topic", "topic", "format", "topic", "token"]
ANGLES = {"warm tone": 0.0, "cold tone": 0.5, "dogs": 1.5, "cats": 1.8, "code": 3.0, "never on": 0.0, "far": 4.7}


def embed(texts: Sequence[str]) -> Any:
    """Directions in a plane; what is not in the table is an angle of its own."""
    angles = np.array([ANGLES[text] if text in ANGLES else float(text) for text in texts])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def labels() -> pl.DataFrame:
    return pl.DataFrame({"feature": np.arange(8, dtype=np.uint32), "label": LABELS, "kind": KINDS})


@pytest.fixture
def frame(make_frame: MakeFrame) -> Embeddings:
    rows = [("one text", dict.fromkeys((0, 1, 2, 3, 4, 5, 7), 1.0)), ("another", {3: 2.0})]
    return make_frame("a.sae", rows, labels=labels())


def test_nearest_labels_first(frame: Embeddings):
    found = choose_features(frame, "0.1", per_phrase=3, embed=embed)
    assert found.schema == concepts.SCHEMA
    assert found["feature"].to_list() == [0, 1, 3]  # "never on" is as near as the first, but on nowhere
    assert found["label"].to_list() == ["warm tone", "cold tone", "dogs"]
    np.testing.assert_allclose(found["similarity"], np.cos([0.1, 0.4, 1.4]), atol=2e-3)
    assert found["rank"].to_list() == [0, 1, 2]
    assert set(found["phrase"]) == {"0.1"}


def test_phrases_take_turns_and_each_feature_comes_once(frame: Embeddings):
    found = choose_features(frame, ["0.12", "1.7"], per_phrase=2, embed=embed)
    assert found.select("feature", "phrase").rows() == [(4, "1.7"), (0, "0.12"), (3, "1.7"), (1, "0.12")]


def test_numbers_come_first_and_need_no_label(frame: Embeddings):
    found = choose_features(frame, "0.1", features=[7, 1, 7, 2], per_phrase=2, embed=embed)
    assert found["feature"].to_list() == [7, 1, 2, 0]
    assert found["phrase"].to_list() == [None, None, None, "0.1"]
    assert found["label"].to_list()[2].startswith("feature 2")
    with pytest.raises(FrameError, match="feature 8 does not exist"):
        choose_features(frame, features=[8])


def test_minus_phrases_remove_what_is_nearer_to_them(frame: Embeddings):
    assert choose_features(frame, "0.1", per_phrase=2, embed=embed)["feature"].to_list() == [0, 1]
    found = choose_features(frame, "0.1", without="0.45", per_phrase=2, embed=embed)
    assert found["feature"].to_list() == [0]  # every other label is nearer to 0.45
    found = choose_features(frame, "0.1", without="1.0", per_phrase=2, embed=embed)
    assert found["feature"].to_list() == [0, 1]


def test_kinds(frame: Embeddings):
    assert choose_features(frame, kinds=("tone", "format"))["feature"].to_list() == [0, 1, 5]
    found = choose_features(frame, "1.0", kinds="topic", embed=embed)
    assert found["feature"].to_list() == [3, 4]
    with pytest.raises(InputError, match='no features of kind "mood"; the kinds are format, tone, topic'):
        choose_features(frame, kinds="mood")


def test_the_name_of_a_kind_stands_for_its_features(frame: Embeddings):
    def placed(texts: Sequence[str]) -> Any:
        return embed(["0.1" if text == "topic" else "9.9" if ":" in text else text for text in texts])

    found = choose_features(frame, "topic", reading="axis", per_phrase=1, embed=placed)
    assert found.select("feature", "phrase").rows() == [(3, "topic"), (4, "topic")]  # both, though 0 is nearer
    assert choose_features(frame, "topic", per_phrase=1, embed=placed)["feature"].to_list() == [0]
    found = choose_features(frame, "topic", without="3.0", reading="axis", embed=placed)
    assert found["feature"].to_list() == [3]  # cats are nearer to 3.0
    found = choose_features(frame, ["topic", "3.0"], reading="axis", per_phrase=1, embed=placed)
    assert set(found["feature"]) == {3, 4, 5}


def test_on_an_axis_the_kind_counts_too(frame: Embeddings):
    meanings = {"tone": 4.0, "topic": 1.2, "format": 1.0}

    def placed(texts: Sequence[str]) -> Any:
        return embed([str(meanings[text.split(":")[0]]) if ":" in text else text for text in texts])

    assert choose_features(frame, "1.05", per_phrase=5, embed=placed)["feature"].to_list() == [3, 1, 4, 0, 5]
    found = choose_features(frame, "1.05", reading="axis", per_phrase=5, embed=placed)
    near = {0: 1.05, 1: 0.55, 3: 0.45, 4: 0.75, 5: 1.95}
    kinds = {0: "tone", 1: "tone", 3: "topic", 4: "topic", 5: "format"}
    sums = {feature: np.cos(angle) + np.cos(1.05 - meanings[kinds[feature]]) for feature, angle in near.items()}
    assert found["feature"].to_list() == sorted(sums, key=lambda feature: -sums[feature]) == [3, 4, 5, 1, 0]
    np.testing.assert_allclose(found["similarity"], [np.cos(near[one]) for one in found["feature"]], atol=2e-3)
    assert choose_features(frame, "1.05", reading="axis", per_phrase=2, embed=placed)["feature"].to_list() == [3, 4]
    with pytest.raises(InputError, match="reading is 'style'; it must be 'property' or 'axis'"):
        choose_features(frame, "1.0", reading="style", embed=placed)  # type: ignore[arg-type]


def test_a_selected_view_offers_no_other_features(frame: Embeddings):
    assert choose_features(frame.select([1, 4]), "0.1", embed=embed)["feature"].to_list() == [1, 4]


@pytest.mark.parametrize("exact", [0, 100])
def test_graph_and_exact_search_agree(make_frame: MakeFrame, monkeypatch: pytest.MonkeyPatch, exact: int):
    monkeypatch.setattr(label_vectors, "EXACT", exact)
    n = 40
    table = pl.DataFrame({"feature": np.arange(n, dtype=np.uint32), "label": [str(i / 10) for i in range(n)]})
    many = make_frame("n.sae", [("text", dict.fromkeys(range(n), 1.0))], features=n, labels=table)
    found = choose_features(many, "2.04", without="2.16", per_phrase=4, embed=embed)
    assert found["feature"].to_list() == [20, 21, 19, 18]


def test_a_phrase_that_no_label_is_near(frame: Embeddings):
    with pytest.raises(NoFeatureError, match=r'no feature has a label near "far"; the nearest labels are "') as told:
        choose_features(frame, ["0.1", "far"], embed=embed)
    assert '"warm tone"' in str(told.value)
    assert "never on" not in str(told.value)
    assert choose_features(frame, "far", least=-1, embed=embed).height == 5


@pytest.mark.parametrize("about", [(), "", ["  "]])
def test_nothing_chosen(frame: Embeddings, about: Any):
    with pytest.raises(InputError, match="no feature is chosen"):
        choose_features(frame, about)


def test_options_out_of_range(frame: Embeddings):
    with pytest.raises(InputError, match="per_phrase is 0"):
        choose_features(frame, "0.1", per_phrase=0)
    with pytest.raises(InputError, match="least is 3"):
        choose_features(frame, "0.1", least=3)


def test_without_labels_or_documents(make_frame: MakeFrame):
    with pytest.raises(InputError, match="no feature has a label"):
        choose_features(make_frame("b.sae", [("text", {0: 1.0})]), "0.1", embed=embed)
    with pytest.raises(InputError, match="no labelled feature is on in any document"):
        choose_features(make_frame("c.sae", [], labels=labels()), "0.1", embed=embed)


class Model:
    """Answers from a list, backwards."""

    name = "stand-in"

    def __init__(self, *answers: object) -> None:
        self.answers, self.asked = list(answers), []

    def ask(self, prompts: Iterable[Prompt]) -> Iterator[Reply]:
        asked = list(prompts)
        self.asked += asked
        answers = [self.answers.pop(0) for _ in asked]
        for prompt, answer in reversed(list(zip(asked, answers, strict=True))):
            text = answer if isinstance(answer, str | None) else f"Here: {json.dumps(answer)}."
            yield Reply(prompt.key, text, error=None if text else "time out")


def test_a_model_words_the_phrase_and_judges_the_features(frame: Embeddings):
    model = Model(["1.7", "0.12"], [4, 1, 1, 99])
    found = choose_features(frame, "0.12", per_phrase=2, embed=embed, model=model)
    # found are 4 and 0, then 3 and 1; the model keeps the fourth and the first of them
    assert found.select("feature", "phrase").rows() == [(1, "0.12"), (4, "1.7")]
    assert "1. cats" in model.asked[1].user


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ((None,), "stand-in did not answer a question .*: time out"),
        (("no list",), "without a list of texts"),
        (([1],), "without a list of texts"),
        (([], ["a"]), "without a list of numbers"),
        (([], []), "none of the 2 nearest features fits"),
    ],
)
def test_a_model_that_fails(frame: Embeddings, answers: Any, message: str):
    with pytest.raises(SaedataError, match=message):
        choose_features(frame, "0.1", per_phrase=2, embed=embed, model=Model(*answers))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[int]:
    """How many texts the bundled encoder was asked for, and a cache of its own."""
    calls: list[int] = []

    def counting(texts: Sequence[str]) -> Any:
        calls.append(len(texts))
        return embed(texts)

    monkeypatch.setattr("saedata.sentences.embed_sentences", counting)
    monkeypatch.setenv("SAEDATA_CACHE", str(tmp_path / "cache"))
    label_vectors._kept.cache_clear()
    return calls


def test_labels_are_embedded_once_for_all_frames(make_frame: MakeFrame, frame: Embeddings, counted: list[int]):
    expected = choose_features(frame, "0.1", per_phrase=3)
    assert counted == [6, 1]
    label_vectors._kept.cache_clear()
    other = make_frame("b.sae", [("b", dict.fromkeys(range(8), 1.0))], labels=labels())
    found = choose_features(other, "0.1", per_phrase=4)
    assert counted == [6, 1]  # the phrase is remembered too
    assert found["feature"].to_list() == [0, 6, 1, 3]
    label_vectors._kept.cache_clear()
    relabelled = labels().with_columns(label=pl.col("label").str.replace("dogs", "2.5"))
    choose_features(make_frame("c.sae", [("b", dict.fromkeys(range(8), 1.0))], labels=relabelled), "0.1")
    assert counted == [6, 1, 6]
    label_vectors._kept.cache_clear()
    assert choose_features(open_frame(frame.path), "0.1", per_phrase=3).equals(expected)
    assert counted == [6, 1, 6]


def test_broken_and_shipped_label_vectors(frame: Embeddings, counted: list[int], tmp_path: Path):
    choose_features(frame, "0.1")
    (kept,) = (tmp_path / "cache" / "labels").iterdir()
    label_vectors._kept.cache_clear()
    kept.write_bytes(b"nothing")
    choose_features(open_frame(frame.path), "0.1")
    assert counted == [6, 1, 6]
    folder = tmp_path / "encoder"
    folder.mkdir()
    labels().write_parquet(folder / "features.parquet")
    (folder / "labels-old.faiss").touch()
    place = label_vectors.save_label_vectors(folder)
    assert place.name == kept.name
    assert sorted(folder.iterdir()) == sorted([folder / "features.parquet", place])


def test_labels_that_are_kept_are_not_embedded_again(frame: Embeddings, counted: list[int]):
    fresh = concepts.label_embedder_of(frame)(["dogs"])
    assert counted == [1]
    choose_features(frame, "0.1")
    kept = concepts.label_embedder_of(frame.select([0, 3]))
    assert kept(["1.1", "dogs", "2.2"]) == pytest.approx(embed(["1.1", "dogs", "2.2"]), abs=1e-3)
    assert counted == [1, 6, 1, 2]
    assert kept(["dogs"]) == pytest.approx(fresh, abs=1e-3)
    assert counted == [1, 6, 1, 2]


def test_of_edited_labels_only_the_new_ones_are_embedded(
    make_frame: MakeFrame, counted: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "encoder"
    folder.mkdir()
    labels().write_parquet(folder / "features.parquet")
    label_vectors.save_label_vectors(folder)
    monkeypatch.setattr(label_vectors, "_beside", lambda _, name: [folder / name])
    edited = labels().with_columns(label=pl.col("label").str.replace("dogs", "2.5"))
    frame = make_frame("c.sae", [("b", dict.fromkeys(range(8), 1.0))], labels=edited)
    expected = choose_features(frame, "2.4", per_phrase=3, embed=embed)
    counted.clear()
    assert choose_features(frame, "2.4", per_phrase=3)["feature"].equals(expected["feature"])
    assert sorted(counted) == [1, 1]  # the new label, and the phrase
