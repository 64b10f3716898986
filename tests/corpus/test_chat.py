from __future__ import annotations

from typing import Any

import pytest

from saedata.corpus.chat import first_prompt, is_conversation, read_turns, role_name, spoken


@pytest.mark.parametrize(
    ("role", "name"),
    [
        ("gpt", "assistant"),
        ("model", "assistant"),
        (" Assistant ", "assistant"),
        ("human", "user"),
        ("USER", "user"),
        ("system", "system"),
        ("function", "tool"),
        ("judge", "judge"),
    ],
)
def test_roles_have_one_name_each(role: str, name: str) -> None:
    assert role_name(role) == name


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([{"role": "user", "content": "x"}], True),
        ([{"from": "human", "value": "x", "weight": 1}], True),
        ([{"role": "user"}], False),
        ([{"name": "x", "value": 1}], False),
        ([], False),
        (["x"], False),
        ({"role": "user", "content": "x"}, False),
        ("x", False),
        (None, False),
    ],
)
def test_conversations_are_told_by_their_first_turn(value: object, expected: bool) -> None:
    assert is_conversation(value) is expected


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        (None, None),
        ([], None),
        (
            [{"type": "text", "text": "one"}, {"type": "image_url", "image_url": {}}, {"text": "two"}],
            "one\ntwo",
        ),
        ([{"type": "input_text", "text": "one"}, "two"], "one\ntwo"),
        ([{"type": "image_url", "image_url": {}}], None),
        ([{"type": "text", "text": None}], None),
        ({"type": "text", "text": "one"}, "one"),
    ],
)
def test_a_content_is_text_or_parts(content: object, text: str | None) -> None:
    assert read_turns([{"role": "assistant", "content": content}]) == [("assistant", text)]


def test_a_struct_with_keys_of_both_formats_is_read_by_those_filled() -> None:
    turns = [{"role": None, "from": "gpt", "content": None, "value": "Hello."}]
    assert read_turns(turns) == [("assistant", "Hello.")]


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("Hello", r"^str data instead of a list of chat turns"),
        ([{"role": "user", "content": "x"}, "Hello"], r"^a turn 2 that is no object"),
        ([{"content": "x"}], r"^a turn 1 without a role"),
        ([{"role": 3, "content": "x"}], r"^a turn 1 without a role"),
        ([{"role": "user", "content": 3}], r"^a turn 1 whose content is not text"),
    ],
)
def test_what_is_no_conversation_is_said(value: object, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_turns(value)


TURNS: list[Any] = [
    ("system", "Be kind."),
    ("user", "Hi"),
    ("assistant", None),
    ("tool", "42"),
    ("assistant", "It is 42."),
    ("user", "Thanks"),
    ("assistant", ""),
    ("assistant", "With pleasure. "),
]


@pytest.mark.parametrize(
    ("roles", "text"),
    [
        ({"assistant"}, "It is 42.\n\nWith pleasure. "),
        ({"user"}, "Hi\n\nThanks"),
        ({"system", "tool"}, "Be kind.\n\n42"),
        ({"judge"}, None),
    ],
)
def test_turns_of_the_roles_are_joined_in_order(roles: set[str], text: str | None) -> None:
    assert spoken(TURNS, frozenset(roles)) == text


def test_only_empty_turns_are_an_empty_text_and_none_a_missing_one() -> None:
    assert spoken([("assistant", "")], frozenset({"assistant"})) == ""
    assert spoken([("assistant", None)], frozenset({"assistant"})) is None


def test_the_prompt_is_the_first_user_turn_with_text() -> None:
    assert first_prompt([("user", None), *TURNS]) == "Hi"
    assert first_prompt(TURNS[2:5]) is None
