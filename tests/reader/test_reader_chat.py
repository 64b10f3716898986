"""Chat templates: what they add is read and never pooled."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

import saedata
from saedata.corpus import Conversation
from saedata.embedding import embed
from saedata.encoders import Encoder, LoadedEncoder
from saedata.errors import CorpusError, EncoderError, InputError
from saedata.reader import ChatTemplate, Reader, Window, load_reader
from saedata.sae import SAE
from saedata.training import train

_STRICT = (
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}"
)
TEMPLATES = {
    "chatml": "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] "
    "+ '<|im_end|>' + '\n' }}{% endfor %}",
    "llama-3": "{% for message in messages %}{% set content = '<|start_header_id|>' + message['role'] "
    "+ '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' %}{% if loop.first %}"
    "{% set content = bos_token + 'Today: ' + strftime_now('%d %b %Y') + content %}{% endif %}"
    "{{ content }}{% endfor %}",
    "gemma": "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "{% for message in messages %}" + _STRICT + "{% set role = 'model' if message['role'] == 'assistant' else "
    "message['role'] %}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}"
    "{% endfor %}",
    "mistral": "{{ bos_token }}{% for message in messages %}" + _STRICT + "{% if message['role'] == 'user' %}"
    "{{ '[INST] ' + message['content'] + ' [/INST]' }}{% else %}{{ ' ' + message['content'] + eos_token }}{% endif %}"
    "{% endfor %}",
    "phi": "{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] + '<|end|>\n' }}"
    "{% endfor %}{{ eos_token }}",
}  # fmt: skip
MARKS = ["<|im_start|>", "<|im_end|>", "<|eot_id|>", "<start_of_turn>", "[INST]", "[/INST]", "<|user|>", "<|end|>"]
ANSWER, MORE = "  WATER IS HOT.\n\n1. MIX 2 CUPS\n\tOF IT!  ", "SORRY, NO"
TURNS = (("user", "what is hot? user"), ("assistant", ANSWER), ("user", "and assistant?"), ("assistant", MORE))
CHAT = Conversation(TURNS, frozenset({"assistant"}))


def tokenizer(template: str, *, marks_are_special: bool) -> transformers.PreTrainedTokenizerFast:
    """Byte-pair encoding in which a letter and the white space before it become one token."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    words = ["\nWATER IS HOT MIX CUPS OF IT SORRY NO \n\nWATER SORRY what is hot user assistant model"] * 3
    backend.train_from_iterator(words, trainer)
    backend.add_special_tokens([AddedToken(mark, special=True) for mark in ["<s>", "</s>"]])
    if marks_are_special:
        backend.add_special_tokens([AddedToken(mark, special=True) for mark in MARKS])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", chat_template=template
    )


def reader_with(tokens: Any, **options: Any) -> Reader:
    """A reader that can only cut windows."""
    rest: dict[str, Any] = {"device": torch.device("cpu"), "dtype": torch.float32, "precision": "float32", "tap": None}
    chat = ChatTemplate(tokens, "a model")
    return Reader("a model", 1, options.pop("context", 512), "", tokens, None, chat=chat, **rest, **options)


@pytest.mark.parametrize("marks_are_special", [True, False])
@pytest.mark.parametrize("template", TEMPLATES)
def test_no_letter_of_a_template_is_pooled_and_none_of_the_answer_lost(template: str, marks_are_special: bool) -> None:
    reader = reader_with(tokenizer(TEMPLATES[template], marks_are_special=marks_are_special))
    (window,) = reader.windows([CHAT])
    pooled = reader.tokenizer.batch_decode(window.ids[window.pooled].reshape(-1, 1))
    allowed = set(ANSWER + MORE)
    assert set("".join(pooled)) <= allowed | {" ", "\n"}
    covered = np.zeros(len(CHAT.text or ""), dtype=int)
    for start, stop, token in zip(window.starts[window.pooled], window.stops[window.pooled], pooled, strict=True):
        covered[start:stop] += 1
        assert (CHAT.text or "")[start:stop].strip() == token.strip()
    assert covered.max() == 1
    assert all(covered[i] or letter.isspace() for i, letter in enumerate(CHAT.text or ""))


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_reader_sees_what_the_tokenizer_renders(template: str) -> None:
    tokens = tokenizer(TEMPLATES[template], marks_are_special=True)
    messages = [{"role": role, "content": content} for role, content in TURNS]
    expected = tokens.apply_chat_template(messages, tokenize=False)
    expected = re.sub(r"Today: \d\d \w{3} \d{4}", "Today: 26 Jul 2024", expected)
    assert ChatTemplate(tokens, "a model").render(CHAT) == expected


def test_other_roles_can_be_read(tmp_path: Path) -> None:
    reader = reader_with(tokenizer(TEMPLATES["chatml"], marks_are_special=False))
    asked = Conversation(TURNS, frozenset({"user"}))
    (window,) = reader.windows([asked])
    assert asked.text == "what is hot? user\n\nand assistant?"
    spans = zip(window.starts[window.pooled], window.stops[window.pooled], strict=True)
    assert "".join(asked.text[a:b] for a, b in spans) == "what is hot? userand assistant?"


def test_long_conversations_are_read_in_windows_and_every_token_once() -> None:
    turns = tuple(pair for _ in range(30) for pair in (("user", "what is hot"), ("assistant", "WATER IS HOT")))
    chat = Conversation(turns, frozenset({"assistant"}))
    for template in ("chatml", "mistral"):
        reader = reader_with(tokenizer(TEMPLATES[template], marks_are_special=True), context=100)
        windows: list[Window] = list(reader.windows([chat]))
        assert len(windows) > 1
        starts = np.concatenate([w.starts[w.pooled] for w in windows])
        assert len(starts) == len(set(starts.tolist()))
        spans = [(a, b) for w in windows for a, b in zip(w.starts[w.pooled], w.stops[w.pooled], strict=True)]
        covered = {i for a, b in spans for i in range(a, b)}
        assert covered >= {i for i, letter in enumerate(chat.text or "") if not letter.isspace()}


def test_plain_text_is_a_turn_of_the_users() -> None:
    reader = reader_with(tokenizer(TEMPLATES["gemma"], marks_are_special=True))
    (window,) = reader.windows(["WATER"])
    assert reader.chat is not None
    assert reader.chat.render("WATER") == "<s><start_of_turn>user\nWATER<end_of_turn>\n"
    assert (window.starts[window.pooled][0], window.stops[window.pooled][-1]) == (0, 5)
    assert list(reader.windows(["", None])) == []


def test_marks_that_a_text_spells_cannot_close_its_turn() -> None:
    reader = reader_with(tokenizer(TEMPLATES["chatml"], marks_are_special=True))
    chat = Conversation((("assistant", "HOT<|im_end|>WATER"),), frozenset({"assistant"}))
    (window,) = reader.windows([chat])
    assert not set(reader.tokenizer.convert_tokens_to_ids(MARKS[:2])) & set(window.ids[window.pooled].tolist())
    assert window.stops[window.pooled][-1] == len(chat.text or "")


def test_a_system_turn_goes_before_the_users_where_a_template_has_none() -> None:
    chat = ChatTemplate(tokenizer(TEMPLATES["gemma"], marks_are_special=True), "a model")
    turns = (("system", " BE KIND "), ("user", " HI "))
    assert "user\nBE KIND \n\n HI<end" in chat.render(Conversation(turns, frozenset({"user"})))


def test_what_cannot_be_rendered_is_one_sentence() -> None:
    with pytest.raises(EncoderError, match="'a model' has no chat template; leave out --chat-template"):
        ChatTemplate(transformers.PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE())), "a model")
    chat = ChatTemplate(tokenizer(TEMPLATES["gemma"], marks_are_special=True), "a model")
    with pytest.raises(InputError, match=r"refuses a conversation of the roles user, user .roles must alternate"):
        chat.check(("user", "user"))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> LoadedEncoder:
    """A tiny Llama with a strict chat template, and a random SAE."""
    folder = tmp_path_factory.mktemp("tiny-chat")
    tokens = tokenizer(TEMPLATES["gemma"], marks_are_special=True)
    tokens.save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(tokens), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    transformers.LlamaModel(config).save_pretrained(folder)
    reader = load_reader(folder, layer=1, device="cpu", precision="float32", chat_template=True, skip_first=1)
    sae = SAE.random(d_in=32, d_sae=64, seed=1, threshold=0.0)
    return LoadedEncoder(Encoder("chatty", str(folder), 1, folder), reader, sae, "0" * 64)


def test_a_corpus_of_messages_from_file_to_evidence(encoder: LoadedEncoder, tmp_path: Path) -> None:
    rows = [
        {"messages": [{"role": role, "content": content} for role, content in TURNS], "id": 7},
        {"messages": [{"role": "user", "content": "hot?"}, {"role": "assistant", "content": None}], "id": 8},
    ]
    (tmp_path / "chats.jsonl").write_text("\n".join(map(json.dumps, rows)))
    frame = embed(tmp_path / "chats.jsonl", encoder=encoder, out=tmp_path / "a.sae")
    assert frame.documents["text"].to_list() == [CHAT.text, None]
    assert "chat template" in frame.encoder.pooling
    assert frame.documents["tokens"][0] > 10
    found = frame.scan().collect()
    assert found["doc"].unique().to_list() == [0]
    tokens = frame.tokens(0, encoder=encoder)
    assert set("".join(tokens["token"])) <= set(CHAT.text or "")
    maximum = tokens.group_by("feature").max().sort("feature")["value"].to_numpy()
    np.testing.assert_allclose(maximum, found.sort("feature")["value"].to_numpy(), rtol=1e-5)
    assert saedata.open(tmp_path / "a.sae").documents.columns[-3:] == ["prompt", "turns", "id"]


def test_prompts_and_responses_are_read_as_conversations(encoder: LoadedEncoder, tmp_path: Path) -> None:
    rows = [{"prompt": "hot?", "response": "WATER IS HOT"}]
    frame = embed(rows, encoder=encoder, out=tmp_path / "a.sae")
    assert frame.documents["text"].to_list() == ["WATER IS HOT"]
    chat = Conversation.from_json(frame.documents["turns"][0])
    assert chat.turns == (("user", "hot?"), ("assistant", "WATER IS HOT"))


def test_an_encoder_is_trained_on_what_the_roles_say(encoder: LoadedEncoder, tmp_path: Path) -> None:
    chats = [{"messages": [{"role": "user", "content": f"hot {i}?"}, {"role": "assistant", "content": f"NO {i}"}]}
             for i in range(40)]  # fmt: skip
    options: dict[str, Any] = {"features": 16, "l0": 2, "steps": 3, "batch": 16, "held_out": 0.3, "device": "cpu"}
    quality = train(chats, out=tmp_path / "mine", reader=encoder.spec.reader, layer=1, chat_template=True, **options)
    assert quality.tokens < 12 * 40 * 0.5  # of a conversation only "NO 7", a few tokens
    with pytest.raises(CorpusError, match="document 0"):
        train([{"messages": chats[0]["messages"][:1] * 2}], out=tmp_path / "b", reader=encoder.spec.reader, layer=1,
              chat_template=True, roles=["user"], **options)  # fmt: skip


def test_conversations_that_the_template_refuses_are_found_before_the_work(
    encoder: LoadedEncoder, tmp_path: Path
) -> None:
    good = [{"role": "user", "content": "hot?"}]
    rows = [{"messages": [*good, {"role": "assistant", "content": "NO"}]}] * 2 + [{"messages": good + good}]
    with pytest.raises(CorpusError, match=r"document 2 of .*roles user, user"):
        embed(rows, encoder=encoder, roles=["user"], out=tmp_path / "a.sae")
    assert not (tmp_path / "a.sae").exists()
