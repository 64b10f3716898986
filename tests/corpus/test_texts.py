from __future__ import annotations

from typing import Any

import pytest
from corpus_files import Put, frame, jsonl, texts

from saedata.corpus import read_corpus
from saedata.errors import CorpusError

Row = dict[str, Any]

OPENAI = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": [{"type": "text", "text": "And now?"}]},
    {"role": "assistant", "content": "Now we go."},
]
SHAREGPT = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello."}]


@pytest.mark.parametrize(
    ("row", "chosen"),
    [
        ({"essay": "a", "n": 1, "tags": ["x"]}, "essay"),
        ({"id": "1", "text": "a"}, "text"),
        ({"id": "1", "Content": "a"}, "Content"),
        ({"body": "a", "content": {"html": "b"}}, "body"),
        ({"id": "1", "output": "a", "content": "b"}, "content"),
        ({"id": "1", "output": "a"}, "output"),
        ({"prompt": "a", "response": "b"}, "response"),
        ({"prompt": "a", "completion": "b", "text": "c"}, "completion"),
        ({"instruction": "a", "input": "b", "output": "c"}, "output"),
        ({"question": "a", "answer": "b", "id": "c"}, "answer"),
        ({"Question": "a", "Answer": "b"}, "Answer"),
        ({"id": "1", "messages": OPENAI, "prompt": "a", "response": "b"}, "messages[assistant]"),
        ({"conversations": SHAREGPT}, "conversations[assistant]"),
        ({"talk": SHAREGPT, "id": "1"}, "talk[assistant]"),
        ({"chosen": OPENAI, "rejected": OPENAI, "messages": OPENAI}, "messages[assistant]"),
    ],
)
def test_the_text_is_found_without_being_named(row: Row, chosen: str) -> None:
    assert read_corpus([row]).text_column == chosen


@pytest.mark.parametrize(
    ("row", "listed"),
    [
        ({"title": "a", "body": "b", "n": 1}, "title (text), body (text), n (integer)"),
        ({"n": 1, "ok": True, "x": 0.5}, "n (integer), ok (true/false), x (number)"),
        ({"chosen": OPENAI, "rejected": OPENAI}, "chosen (nested or mixed), rejected (nested or mixed)"),
        ({f"c{i}": "a" for i in range(50)}, "c39 (text), and 10 more"),
    ],
)
def test_where_it_is_not_clear_the_columns_are_listed(row: Row, listed: str) -> None:
    with pytest.raises(CorpusError, match=r"^it is not clear which column holds the text; choose one \(--text\)") as e:
        read_corpus([row])
    assert str(e.value).endswith(listed)


def test_a_column_of_strings_that_starts_late_counts_too() -> None:
    rows = [{"a": "x", "b": None}] * 3000 + [{"a": "x", "b": "y"}]
    with pytest.raises(CorpusError, match=r"a \(text\), b \(text\)$"):
        read_corpus(rows)
    assert read_corpus(rows, limit=3000).text_column == "a"


def test_a_named_column_wins() -> None:
    rows = [{"text": "a", "title": "b", "messages": OPENAI, "talk": SHAREGPT}]
    assert texts(read_corpus(rows, text="title")) == ["b"]
    assert texts(read_corpus(rows, text="talk")) == ["Hello."]
    assert read_corpus(rows, text="talk").text_column == "talk[assistant]"
    assert list(read_corpus(rows, text="title").columns) == ["user_text", "messages", "talk"]


def test_a_column_that_is_absent_names_those_there_are() -> None:
    with pytest.raises(CorpusError, match=r"^there is no column 'body' in the corpus; its columns are: text \(te"):
        read_corpus([{"text": "a", "n": 1}], text="body")
    with pytest.raises(CorpusError, match=r"\(did you mean 'answer'\?\); its columns are: answer \(text\), n \(int"):
        read_corpus([{"answer": "a", "n": 1}], text="anwser")


@pytest.mark.parametrize(
    ("value", "held"),
    [(5, "a number"), (True, "true or false"), ([1], "a list"), ({"a": 1}, "an object")],
)
def test_a_text_that_is_none_names_file_and_line(put: Put, value: object, held: str) -> None:
    path = put("x.jsonl", jsonl({"text": "a", "id": "1"}, {"text": None}, {"text": value}))
    complaint = rf"x.jsonl, line 3: the column 'text' holds {held} there, not text; choose another column"
    with pytest.raises(CorpusError, match=complaint):
        read_corpus(path)
    with pytest.raises(CorpusError, match=complaint):
        read_corpus(path, text="text")


def test_numbers_of_csv_are_text_where_asked_for(put: Put) -> None:
    corpus = read_corpus(put("x.csv", "code,n\n12,1\n007,2\n"), text="n")
    assert (texts(corpus), corpus.characters) == (["1", "2"], 2)
    assert frame(corpus)["code"].to_list() == ["12", "007"]


@pytest.mark.parametrize(
    ("roles", "text", "label"),
    [
        (("assistant",), "Hello.\n\nNow we go.", "messages[assistant]"),
        (("gpt",), "Hello.\n\nNow we go.", "messages[assistant]"),
        ("user", "Hi\n\nAnd now?", "messages[user]"),
        (("user", "assistant"), "Hi\n\nHello.\n\nAnd now?\n\nNow we go.", "messages[assistant,user]"),
        (("system", "human"), "Be kind.\n\nHi\n\nAnd now?", "messages[system,user]"),
    ],
)
def test_roles_of_a_conversation(roles: str | tuple[str, ...], text: str, label: str) -> None:
    corpus = read_corpus([{"messages": OPENAI, "id": 7}], roles=roles)
    assert corpus.text_column == label
    assert corpus.characters == len(text)
    assert frame(corpus).to_dict(as_series=False) == {"text": [text], "prompt": ["Hi"], "id": [7]}


def test_a_prompt_of_the_users_own_is_kept() -> None:
    corpus = read_corpus([{"prompt": "mine", "conversations": SHAREGPT}])
    assert frame(corpus).to_dict(as_series=False) == {"text": ["Hello."], "prompt": ["mine"]}


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        (("assistant",), {"text": ["A.", None], "q": [1, 2], "prompt": ["Q?", "R?"]}),
        (("user",), {"text": ["Q?", "R?"], "q": [1, 2], "response": ["A.", None]}),
        (
            ("assistant", "user"),
            {"text": ["Q?\n\nA.", "R?"], "q": [1, 2], "prompt": ["Q?", "R?"], "response": ["A.", None]},
        ),
    ],
)
def test_roles_of_a_prompt_and_its_response(roles: tuple[str, ...], expected: dict[str, list[Any]]) -> None:
    rows = [{"q": 1, "prompt": "Q?", "response": "A."}, {"q": 2, "prompt": "R?", "response": None}]
    corpus = read_corpus(rows, roles=roles)
    assert frame(corpus).to_dict(as_series=False) == expected
    assert corpus.characters == sum(len(text or "") for text in expected["text"])


def test_roles_that_nobody_has_are_refused_with_those_there_are() -> None:
    with pytest.raises(CorpusError, match=r"^no turn in the column 'c' has the role 'judge'; its roles are: assi"):
        read_corpus([{"c": SHAREGPT}], roles=("assistant", "judge"))
    with pytest.raises(CorpusError, match=r"has the role 'tool'; its roles are: assistant, user$"):
        read_corpus([{"c": SHAREGPT}], roles=("tool",))
    with pytest.raises(CorpusError, match=r"^no column has the role 'tool'; the roles are: assistant \(the column"):
        read_corpus([{"prompt": "a", "response": "b"}], roles=("tool",))
    with pytest.raises(CorpusError, match=r"^no role was given"):
        read_corpus(["a"], roles=())


def test_a_known_role_that_is_silent_beside_one_that_speaks_is_only_mentioned() -> None:
    corpus = read_corpus([{"c": SHAREGPT}], roles=("assistant", "tool"))
    assert corpus.warnings == ("no turn in the column 'c' has the role 'tool'",)
    assert texts(corpus) == ["Hello."]


def test_roles_without_conversations_are_mentioned() -> None:
    (warning,) = read_corpus(["a"], roles=("user",)).warnings
    assert warning == "the text does not come from conversations, so the roles asked for (user) were ignored"


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("Hello", r"holds str data instead of a list of chat turns; mend or remove this row"),
        ([{"content": "x"}], r"holds a turn 1 without a role"),
        ([{"role": "user", "content": 3}], r"holds a turn 1 whose content is not text"),
    ],
)
def test_a_broken_conversation_names_file_and_line(put: Put, value: object, complaint: str) -> None:
    path = put("x.jsonl", jsonl({"messages": OPENAI}, {"messages": value}))
    with pytest.raises(CorpusError, match=rf"x.jsonl, line 2: the column 'messages' {complaint}"):
        read_corpus(path)
