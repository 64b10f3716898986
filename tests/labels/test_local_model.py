"""A causal model in a folder, with random weights: the same protocol, chat template or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from saedata.endpoint import Prompt
from saedata.errors import InputError
from saedata.labels.local import LocalModel

TEMPLATE = "{% for m in messages %}[{{ m.role }}] {{ m.content }} {% endfor %}[assistant]"
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no system turn') }}{% endif %}" + TEMPLATE


@pytest.fixture(scope="session")
def tiny_causal(tiny_reader: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    import transformers

    folder = tmp_path_factory.mktemp("tiny-causal")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_reader)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=16,
        n_layer=1,
        n_head=2,
        n_positions=96,
        eos_token_id=4,
        tie_word_embeddings=False,
    )
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def prompts(n: int) -> list[Prompt]:
    return [Prompt(str(i), "you are", "what is " * (i + 1), max_tokens=5) for i in range(n)]


def test_every_prompt_is_answered_once_and_alike_in_any_batch(tiny_causal: Path) -> None:
    replies = {reply.key: reply for reply in LocalModel(tiny_causal, device="cpu", batch=3).ask(prompts(7))}
    assert set(replies) == set(map(str, range(7)))
    for reply in replies.values():
        assert reply.text
        assert 0 < reply.completion_tokens <= 5
    assert replies["6"].prompt_tokens > replies["0"].prompt_tokens
    alone = LocalModel(tiny_causal, device="cpu", batch=1)
    assert {reply.key: reply.text for reply in alone.ask(prompts(7))} == {k: r.text for k, r in replies.items()}
    assert alone.name == tiny_causal.name


def test_a_prompt_that_does_not_fit_is_a_reply_with_an_error(tiny_causal: Path) -> None:
    model = LocalModel(tiny_causal, device="cpu")
    replies = {r.key: r for r in model.ask([Prompt("long", "s", "water " * 200, max_tokens=5), *prompts(1)])}
    assert replies["long"].text is None
    assert "does not fit into the 96 tokens" in str(replies["long"].error)
    assert replies["0"].text


def test_the_chat_template_is_used_where_there_is_one(tiny_causal: Path) -> None:
    model = LocalModel(tiny_causal, device="cpu")
    prompt = Prompt("k", "be kind", "what is it")
    assert model._chat(prompt) == "be kind\n\nwhat is it\n\n"
    model._tokenizer.chat_template = TEMPLATE
    assert model._chat(prompt) == "[system] be kind [user] what is it [assistant]"
    model._tokenizer.chat_template = NO_SYSTEM
    assert model._chat(prompt) == "[user] be kind\n\nwhat is it [assistant]"
    assert next(iter(model.ask([Prompt("k", "a", "b", 3)]))).text is not None


def test_a_folder_without_a_model_is_one_sentence(tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(InputError, match=r"no folder|no language model"):
            LocalModel(folder)
