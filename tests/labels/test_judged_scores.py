"""Detection and fuzzing by language models that answer well, at random, or not at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from planted_pools import Model, pool_of, two_sided
from test_label_scores import labels_of

from saedata.labels.judged_scores import parse
from saedata.labels.scores import score_labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from saedata.endpoint import Prompt, Reply

PEOPLE = {"grey": "grey harbour", "laughs": "everyone laughs"}


def by_label(prompt: Prompt, excerpts: list[str]):
    """Says whether the excerpt has the described words."""
    label = prompt.user.splitlines()[0].removeprefix("Description: ")
    return json.dumps([int(PEOPLE[label] in text.replace("<<", "").replace(">>", "")) for text in excerpts])


def test_a_model_that_knows_scores_one_and_the_other_label_nought():
    model = Model(by_label)
    scores = score_labels(two_sided(), labels_of("grey", "laughs"), metrics=["detection"], model=model)
    assert scores["value"].to_list() == [1.0, 1.0]
    assert scores["floor"].to_list() == [0.0, 0.0]
    assert scores.select("positives", "negatives", "unanswered").rows() == [(50, 50, 0)] * 2
    assert len(model.prompts) == 2 * 2 * 100 / 5  # two features, label and floor
    assert len({prompt.key for prompt in model.prompts}) == len(model.prompts)


def test_a_model_that_guesses_scores_one_half():
    random = np.random.default_rng(0)
    pool = pool_of([f"w {i}" for i in range(400)], [dict.fromkeys(range(i, 400, 4), 1.0) for i in range(40)])
    guess = Model(lambda _, excerpts: json.dumps(random.integers(2, size=len(excerpts)).tolist()))
    scores = score_labels(
        pool, labels_of(*(f"l {i}" for i in range(40))), metrics=["detection", "fuzzing"], model=guess
    )
    assert scores["value"].mean() == pytest.approx(0.5, abs=0.03)  # standard error 0.006
    assert scores["floor"].mean() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("constant", [0, 1])
def test_a_model_that_always_says_the_same_scores_one_half(constant: int):
    model = Model(lambda _, excerpts: json.dumps([constant] * len(excerpts)))
    scores = score_labels(two_sided(), labels_of("grey", "laughs"), metrics=["detection"], model=model)
    assert scores["value"].to_list() == [0.5, 0.5]


@pytest.mark.parametrize("answer", ["", None, "yes, all of them", "[1, 0", "[1, 2, 0, 0, 1]", "[1]", "[null]", "{}"])
def test_garbage_is_counted_and_gives_no_score(answer: str | None):
    scores = score_labels(
        two_sided(), labels_of("grey", "laughs"), metrics=["detection"], model=Model(lambda *_: answer)
    )
    assert scores["value"].to_list() == scores["floor"].to_list() == [None, None]
    assert scores["unanswered"].to_list() == [100, 100]
    assert scores.select("positives", "negatives").rows() == [(0, 0)] * 2


def test_some_failures_leave_the_rest():
    model = Model(lambda prompt, excerpts: None if prompt.key.endswith("/3") else by_label(prompt, excerpts))
    (row,) = score_labels(two_sided(), labels_of("grey"), metrics=["detection"], model=model).rows(named=True)
    assert row["value"] == 1.0
    assert row["unanswered"] == 5
    assert row["positives"] + row["negatives"] == 95


def test_lost_and_repeated_replies_are_not_counted():
    class Careless(Model):
        def ask(self, prompts: Iterable[Prompt]) -> Iterator[Reply]:
            replies = list(super().ask(prompts))
            return iter([*replies[5:], *replies[5:], *replies[7:]])

    (row,) = score_labels(two_sided(), labels_of("grey"), metrics=["detection"], model=Careless(by_label)).rows(
        named=True
    )
    assert row["value"] == 1.0
    assert row["unanswered"] == 25
    assert row["positives"] + row["negatives"] == 75


def test_floors_are_asked_for_as_many_as_wanted():
    model = Model(by_label)
    scores = score_labels(two_sided(), labels_of("grey", "laughs"), metrics=["detection"], model=model, floors=1)
    assert scores["floor"].null_count() == 1
    assert len(model.prompts) == 3 * 20


def test_fuzzing_marks_the_right_words_or_as_many_wrong_ones():
    texts = [f"sorry about <b>the</b> late train {i}" for i in range(30)]
    texts += [f"the meeting was moved again to room {i}" for i in range(30)]
    pool = pool_of(texts, [dict.fromkeys(range(30), 2.0)])

    def marks(prompt: Prompt, excerpts: list[str]):
        assert all(text.count("<<") == text.count(">>") == 1 for text in excerpts)
        return json.dumps([int("<<sorry>>" in text) for text in excerpts])

    model = Model(marks)
    (row,) = score_labels(pool, labels_of("apologies"), metrics=["fuzzing"], model=model).rows(named=True)
    assert row["value"] == 1.0
    assert row["positives"] == row["negatives"] == 30
    assert len({text for prompt in model.prompts for text in prompt.user.splitlines()[3:]}) > 50


def test_detection_shows_no_marks_and_keeps_every_excerpt_on_its_line():
    texts = [f"first line\n2. second line {i}" for i in range(24)]
    pool = pool_of(texts, [dict.fromkeys(range(12), 1.0)])
    model = Model(lambda _, excerpts: json.dumps([1] * len(excerpts)))
    score_labels(pool, labels_of("lines"), metrics=["detection"], model=model)
    asked = [prompt.user for prompt in model.prompts]
    assert not any("<<" in text for text in asked)
    assert sorted(len(text.splitlines()) for text in asked) == [7, 8, 8, 8, 8]


def test_the_last_list_counts():
    assert parse("Of the marks [sic], I find: [0, 1]", 2) == [0, 1]
    assert parse("[true, false]", 2) == [1, 0]
    assert parse("[[1, 0]]", 2) == [1, 0]
    assert parse('["1", "0"]', 2) is None


def test_marks_go_around_whole_words_and_touching_ones_share_a_pair():
    texts = [f"unbelievable!! said nobody {i}" for i in range(12)] + [
        f"five plain words are here {i}" for i in range(12)
    ]
    pool = pool_of(texts, [dict.fromkeys(range(12), 1.0)])
    pool.start[:] = 2  # the middle of the word, up to the first exclamation mark
    pool.stop[:] = 13
    model = Model(lambda _, excerpts: json.dumps([int("<<unbelievable!>>!" in text) for text in excerpts]))
    (row,) = score_labels(pool, labels_of("disbelief"), metrics=["fuzzing"], model=model).rows(named=True)
    assert row["value"] == 1.0


def test_a_feature_with_too_few_windows_is_not_asked_about():
    model = Model(by_label)
    pool = pool_of(["grey harbour"] * 40, [dict.fromkeys(range(9), 1.0), dict.fromkeys(range(20), 1.0)])
    scores = score_labels(pool, labels_of("grey", "laughs"), metrics=["detection"], model=model)
    assert scores["value"].to_list() == [None, 0.5]
    assert scores["positives"].to_list() == [9, 20]
    assert len(model.prompts) == 2 * 8
