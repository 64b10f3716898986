"""Labelling from text to table: what is asked, what is kept, and what a crash or a bad answer does to it."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from endpoint_server import Server, answer, drop, half, raw, refuse, stray

import saedata
from saedata.encoders import load_encoder
from saedata.endpoint import Prompt, Reply
from saedata.errors import EncoderError, InputError, SaedataError
from saedata.frame.layout import LABEL_SCHEMA
from saedata.labels.answerfile import AnswerFile
from saedata.labels.client import Endpoint
from saedata.labels.explain import label
from saedata.labels.prompts import feature_of

Say = Callable[[Prompt], str | None]


def by_hash(prompt: Prompt) -> str:
    return say_by_hash(prompt.user)


def say_by_hash(user: str) -> str:
    """A label that follows from what was asked, and from nothing else."""
    return json.dumps({"label": f"windows {hashlib.sha256(user.encode()).hexdigest()[:12]}", "kind": "topic"})


class Model:
    """Answers as told, remembers what it was asked, and dies after some answers."""

    def __init__(self, say: Say = by_hash, *, dies_after: int | None = None, strays: Iterable[Reply] = ()) -> None:
        self.name, self.say, self.dies_after, self.strays = "a-model", say, dies_after, strays
        self.asked: list[Prompt] = []

    def ask(self, prompts: Iterable[Prompt]) -> Iterator[Reply]:
        yield from self.strays
        for prompt in prompts:
            if len(self.asked) == self.dies_after:
                raise KeyboardInterrupt
            self.asked.append(prompt)
            text = self.say(prompt)
            yield Reply(prompt.key, text, None if text else "it has nothing to say", 10, 2)


@pytest.fixture
def run(tiny_encoder: Path, sentences: list[str], tmp_path: Path, quick_disk: None) -> Callable[..., pl.DataFrame]:
    def call(model: Any = None, source: Any = None, **options: Any) -> pl.DataFrame:
        options = {
            "encoder": tiny_encoder,
            "journal": tmp_path / "journal.jsonl",
            "positives": 6,
            "negatives": 4,
        } | options
        return label(sentences if source is None else source, model=model, **options)

    return call


Run = Callable[..., pl.DataFrame]


def test_every_live_feature_gets_its_own_answer(run: Run, tmp_path: Path) -> None:
    model = Model()
    labels = run(model, folder=tmp_path / "labels")
    assert labels.schema == pl.Schema(LABEL_SCHEMA)
    assert labels["feature"].to_list() == list(range(64))
    asked = {feature_of(prompt.key): json.loads(by_hash(prompt))["label"] for prompt in model.asked}
    assert len(asked) == len(model.asked) > 40
    named = labels.filter(pl.col("label").is_not_null())
    assert dict(named.select("feature", "label").iter_rows()) == asked
    assert set(named["label_source"]) == {"a-model"}
    assert set(named["kind"]) <= {"topic", "token"}
    assert labels["label_score"].null_count() == 64
    unnamed = labels.filter(pl.col("label").is_null())
    assert unnamed.select("kind", "label_source").null_count().row(0) == (unnamed.height, unnamed.height)
    assert run(Model()).equals(labels)


def test_the_windows_shown_are_on_record_by_their_hash(run: Run, tmp_path: Path, sentences: list[str]) -> None:
    labels = run(Model(), folder=tmp_path / "labels")
    examples = pl.read_parquet(tmp_path / "labels" / "examples.parquet")
    assert examples.columns == ["feature", "role", "decile", "value", "sha256"]
    assert set(examples["feature"]) == set(labels.filter(pl.col("label").is_not_null())["feature"])
    on, off = examples.filter(role="positive"), examples.filter(role="negative")
    assert on["value"].min() > 0  # type: ignore[operator]
    assert off["decile"].null_count() == off.height
    assert off["value"].to_list() == [0.0] * off.height
    assert on.group_by("feature").len()["len"].max() == 6
    assert set(on["decile"]) == set(range(1, 11))
    first = on.filter(feature=on["feature"][0])
    assert first["value"].is_sorted(descending=True)
    assert first["decile"].is_sorted(descending=True)
    short = {hashlib.sha256(s.encode()).hexdigest() for s in sentences if len(s.split()) < 20}
    assert short & set(examples["sha256"])
    provenance = json.loads((tmp_path / "labels" / "provenance.json").read_text())
    assert provenance["model"] == "a-model"
    assert provenance["counts"]["labelled"] == labels["label"].count()
    assert provenance["counts"]["prompt_tokens"] == 10 * labels["label"].count()
    assert set(provenance) == {"model", "prompt_version", "encoder", "corpus", "options", "counts", "date"}


def test_the_second_call_asks_nothing(run: Run) -> None:
    first = run(Model())
    again = Model()
    assert run(again).equals(first)
    assert not again.asked


@pytest.mark.parametrize("after", [0, 1, 17])
def test_after_a_crash_only_what_is_missing_is_asked(run: Run, after: int, tmp_path: Path) -> None:
    whole = run(Model(), journal=tmp_path / "whole.jsonl")
    dying = Model(dies_after=after)
    with pytest.raises(KeyboardInterrupt):
        run(dying)
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(journal.read_bytes() + b'{"encoder": "torn')
    model = Model()
    assert run(model).equals(whole)
    assert len(dying.asked) == after
    assert len(model.asked) == whole["label"].count() - after


def test_another_model_text_or_seed_is_asked_anew(run: Run, sentences: list[str]) -> None:
    run(Model())
    other = Model()
    other.name = "another"
    for model, options in ((other, {}), (Model(), {"seed": 1}), (Model(), {"source": sentences[:40]})):
        run(model, **options)
        assert len(model.asked) > 30


def test_a_bad_answer_is_asked_for_once_more_with_the_reason(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    def say(prompt: Prompt) -> str:
        if feature_of(prompt.key) == 3:
            return '{"label": "half'
        if feature_of(prompt.key) == 4 and "could not be used" not in prompt.user:
            return '{"label": "a label", "kind": "mood"}'
        return by_hash(prompt)

    model = Model(say)
    labels = run(model)
    questions = {n: [p for p in model.asked if feature_of(p.key) == n] for n in (3, 4, 5)}
    assert [len(questions[n]) for n in (3, 4, 5)] == [2, 2, 1]
    assert "the kind is none of" in questions[4][1].user
    assert labels["label"][3] is None
    assert labels["label"][4] == json.loads(by_hash(questions[4][1]))["label"]
    assert "1 without a usable answer" in caplog.text
    assert "breaks off" in caplog.text
    again = Model(say)
    assert run(again).equals(labels)
    assert not again.asked  # what cannot be used is known, too


def test_features_with_equal_labels_are_asked_once_more_with_both_shown(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    def say(prompt: Prompt) -> str:
        feature = feature_of(prompt.key)
        if feature in {5, 6} or (feature in {7, 8} and "Another feature" not in prompt.user):
            return json.dumps({"label": "The same!" if feature in {5, 7} else "the  same", "kind": "style"})
        return by_hash(prompt)

    model = Model(say)
    labels = run(model)
    twice = [p for p in model.asked if "Another feature" in p.user]
    assert sorted(feature_of(p.key) for p in twice) == [5, 6, 7, 8]
    first = {feature_of(p.key): p.user for p in model.asked if "Another feature" not in p.user}
    seven = next(p.user for p in twice if feature_of(p.key) == 7)
    shown = [line.partition(" ")[2] for line in seven.split("Another feature")[1].splitlines() if line[:1].isdigit()]
    assert shown
    assert all(line in first[8] for line in shown)
    assert labels["label"].to_list()[5:7] == ["The same!", "the  same".replace("  ", " ")]
    assert labels["label"][7] != labels["label"][8]
    assert "2 share a label" in caplog.text


def test_a_failed_second_question_leaves_the_first_label(run: Run) -> None:
    def say(prompt: Prompt) -> str | None:
        if "Another feature" in prompt.user:
            return None
        return '{"label": "all the same", "kind": "style"}'

    labels = run(Model(say))
    assert set(labels["label"].drop_nulls()) == {"all the same"}


def test_replies_for_nobody_and_second_replies_change_nothing(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    plain = run(Model())
    strays = [Reply("3-of-nobody", '{"label": "invented", "kind": "topic"}'), Reply("", None)]

    class Twice(Model):
        def ask(self, prompts: Iterable[Prompt]) -> Iterator[Reply]:
            for reply in super().ask(prompts):
                yield reply
                yield Reply(reply.key, '{"label": "invented", "kind": "topic"}')

    model = Twice(strays=strays)
    model.name = "twice"
    labels = run(model)
    assert labels["label"].to_list() == plain["label"].to_list()
    assert "replies to nothing that was asked" in caplog.text


def test_dead_and_rare_features_are_not_asked_about(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    model = Model()
    labels = run(model, source=["sorry", "the water", "the water"])
    assert not model.asked
    assert labels["label"].null_count() == 64
    assert "0 of 64 features labelled" in caplog.text
    line = next(r.getMessage() for r in caplog.records if "labelled;" in r.getMessage())
    dead, few = (int(line.split(word)[0].split()[-1]) for word in (" dead", " on in fewer"))
    assert dead + few == 64
    assert few > 0


def test_the_kind_token_is_computed_whatever_the_model_says(run: Run, tiny_encoder: Path) -> None:
    from saedata.labels.windows import WindowPool

    texts = [f"sorry {word}" for word in ("water", "people", "call", "time", "way", "day")] * 2
    texts = [f"{text} {i}" for i, text in enumerate(texts)]
    labels = run(Model(), source=texts)
    pool = WindowPool.read(texts, load_encoder(tiny_encoder, device="cpu"))
    for feature, kind in labels.filter(pl.col("label").is_not_null()).select("feature", "kind").iter_rows():
        assert (kind == "token") == pool.is_token(feature)
    assert "token" in labels["kind"].to_list()


def test_only_the_features_asked_for(run: Run) -> None:
    model = Model()
    labels = run(model, features=[9, 2, 9])
    assert labels["feature"].to_list() == [2, 9]
    assert {feature_of(prompt.key) for prompt in model.asked} == {2, 9}
    with pytest.raises(InputError, match="feature 64 does not exist"):
        run(model, features=[64])


def test_without_a_model_the_estimate_is_told_and_nothing_asked(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    labels = run(None, prices=(1.0, 2.0))
    assert labels["label"].null_count() == 64
    assert "prompt tokens and" in caplog.text
    assert "price about" in caplog.text
    assert not (tmp_path / "journal.jsonl").exists()


def test_prompts_go_out_and_answers_come_in_over_several_rounds(run: Run, tmp_path: Path) -> None:
    direct = Model(lambda p: "?" if feature_of(p.key) == 3 and "could not" not in p.user else by_hash(p))
    expected = run(direct)
    prompts, files = tmp_path / "prompts.jsonl", []
    run(None, export=prompts)
    for round_ in range(3):
        rows = [json.loads(line) for line in prompts.read_text().splitlines()]
        if not rows:
            break
        answers = tmp_path / f"answers-{round_}.jsonl"
        said = [{"key": r["key"], "text": direct.say(Prompt(r["key"], r["system"], r["user"]))} for r in rows]
        answers.write_text("".join(json.dumps(row) + "\n" for row in said))
        files.append(answers)
        labels = run(AnswerFile(files, name="a-model"), export=prompts, journal=None)
    assert len(files) == 2
    assert labels.equals(expected)


def test_if_nothing_is_answered_it_is_an_error(run: Run) -> None:
    with pytest.raises(SaedataError, match="no feature could be labelled: it has nothing to say"):
        run(Model(lambda _: None))


def test_a_frame_is_labelled_from_its_own_texts_with_its_own_encoder(
    tiny_encoder: Path, sentences: list[str], tmp_path: Path, run: Run
) -> None:
    frame = saedata.embed(sentences, out=tmp_path / "a.sae", encoder=tiny_encoder, device="cpu", precision="float32")
    expected = run(Model(), device="cpu", precision="float32")
    for source in (frame, tmp_path / "a.sae"):
        assert run(Model(), source=source).equals(expected)
    labels = run(Model(), source=frame, apply=True)
    opened = saedata.open(tmp_path / "a.sae")
    assert opened.features["label"].to_list() == labels["label"].to_list()
    assert set(saedata.verify(tmp_path / "a.sae")["verdict"]) == {"ok"}
    with pytest.raises(EncoderError, match="other weights"):
        run(Model(), source=frame, encoder="minilm")


def test_labels_are_put_into_an_encoder_only_where_it_is_a_folder(run: Run, tiny_encoder: Path, tmp_path: Path) -> None:
    own = shutil.copytree(tiny_encoder, tmp_path / "own")
    labels = run(Model(), encoder=own, apply=True)
    assert pl.read_parquet(own / "features.parquet")["label"].to_list() == labels["label"].to_list()
    model = Model()
    for encoder in ("minilm", None):
        with pytest.raises(InputError, match="given as a folder"):
            run(model, encoder=encoder, apply=True)
    assert not model.asked


def test_a_large_corpus_is_sampled_evenly_and_no_text_twice(sentences: list[str]) -> None:
    from saedata.corpus import read_corpus
    from saedata.labels.explain import _texts

    rng = np.random.default_rng(0)
    many = [" ".join(rng.permutation(text.split())) + f" {i}" for i, text in enumerate(sentences * 40)]
    read = read_corpus([*many, *many])
    chosen = list(_texts(read, tokens=read.characters // 40))
    assert len(set(chosen)) == len(chosen)
    assert 0.1 < len(chosen) / len(many) < 0.2
    places = [many.index(text) for text in chosen]
    assert abs(np.mean(places) / len(many) - 0.5) < 0.1
    assert len(list(_texts(read, tokens=10**9))) == len(many)


def test_bad_numbers_and_places_are_refused_before_any_work(run: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="positives must be"):
        run(Model(), positives=2)
    with pytest.raises(InputError, match="there is no folder"):
        run(None, export=tmp_path / "nowhere" / "p.jsonl")


@pytest.mark.usefixtures("no_key_anywhere")
def test_through_an_endpoint_that_misbehaves_all_the_way(run: Run, server: Server, tmp_path: Path) -> None:
    wrong = [refuse(429), refuse(429, Retry_After="0"), refuse(500), drop, half, raw(b"{"), stray, raw(b"", status=502)]
    server.usual = answer(say_by_hash)
    expected = run(Model(), journal=tmp_path / "other.jsonl")["label"].to_list()
    server.acts = [act for act in wrong for _ in range(3)]
    server.acts = [*server.acts[::2], *server.acts[1::2]]
    model = Endpoint(server.url, "m", backoff=0.01, retries=30, concurrency=3)
    # `stray` answers with other words than `say_by_hash`: it is asked again, as any answer that is no JSON
    labels = run(model, folder=tmp_path / "labels")
    assert labels["label"].count() == len([one for one in expected if one])
    asked = {json.loads(say_by_hash(request["messages"][1]["content"]))["label"] for request in server.requests}
    assert set(labels["label"].drop_nulls()) <= asked
    same = [a == b for a, b in zip(labels["label"], expected, strict=True)]
    assert same.count(False) <= 3
    before = len(server.requests)
    assert run(model).equals(labels)
    assert len(server.requests) == before
