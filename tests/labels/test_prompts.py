"""What a model is shown, and how strictly its answer is read."""

from __future__ import annotations

import pytest

from saedata.labels.prompts import (
    LONGEST_LABEL,
    MEANINGS,
    Answer,
    AnswerError,
    again,
    apart,
    explaining,
    feature_of,
    normalised,
    read_answer,
    show,
    show_positives,
)
from saedata.labels.windows import Window


def windows(n: int) -> list[Window]:
    return [Window(i, f"so sorry {i}", ((3, 8, float(n - i)),)) for i in range(n)]


GOOD = '{"label": "apologies for a refusal", "kind": "tone"}'


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"Here it is:\n```json\n{GOOD}\n```\nI hope it helps {{really}}.",
        f"{GOOD}\n{GOOD}",
        '{"reasoning": "both {apologise}", "kind": " Tone ", "label": "  apologies  for a refusal "}',
        f'<think>maybe {{"label": "excuses", "kind": "style"}}?</think>{GOOD}',
    ],
)
def test_an_answer_is_found_among_words_and_fences(text: str) -> None:
    assert read_answer(text) == Answer("apologies for a refusal", "tone")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no complete JSON object"),
        ("apologies for a refusal", "no complete JSON object"),
        ('{"label": "apologies"}', "no complete JSON object"),
        ('["label", "kind"]', "no complete JSON object"),
        (GOOD[:-1], "breaks off"),
        (GOOD[:20], "breaks off"),
        ('{"draft": {"label": "a draft", "kind": "tone"}, "la', "breaks off"),
        (GOOD + '{"label": "excuses", "kind": "tone"}', "several different"),
        ('{"label": "a thing", "label": "another", "kind": "tone"}', "twice"),
        ('{"label": "", "kind": "tone"}', "empty"),
        ('{"label": "...", "kind": "tone"}', "empty"),
        ('{"label": null, "kind": "tone"}', "empty"),
        ('{"label": ["a thing"], "kind": "tone"}', "empty"),
        ('{"label": "one\\ntwo", "kind": "tone"}', "several lines"),
        ('{"label": "one\\u2028two", "kind": "tone"}', "several lines"),
        ('{"label": "red \\u001b[31m", "kind": "tone"}', "control characters"),
        ('{"label": "from \\u202eright", "kind": "tone"}', "control characters"),
        ('{"label": "lone \\ud800", "kind": "tone"}', "control characters"),
        ('{"label": "%s", "kind": "tone"}' % ("a" * (LONGEST_LABEL + 1)), "longer than"),
        ('{"label": "a thing", "kind": "mood"}', "the kind is none of"),
        ('{"label": "a thing", "kind": "token"}', "the kind is none of"),
        ('{"label": "a thing", "kind": 3}', "the kind is none of"),
        ('{"a": ' * 3000, "."),
        ("{" * 19_000, "."),
        ("x" * 30_000, "longer than"),
    ],
)
def test_what_is_not_plainly_an_answer_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(AnswerError, match=reason):
        read_answer(text)


def test_tokens_are_marked_and_listed_with_their_strength() -> None:
    window = Window(0, "i am so sorry, sorry", ((8, 13, 4.0), (15, 20, 1.3), (2, 4, 0.5)))
    assert show(window, largest=5.0) == "i am so <<sorry>>, <<sorry>> [sorry 8, sorry 3]"
    assert show(window, largest=4.0).endswith("[sorry 10, sorry 4]")


def test_pieces_of_a_word_are_one_mark() -> None:
    assert (
        show(Window(0, "un-apologetic", ((3, 8, 1.0), (8, 13, 2.0))), largest=2.0)
        == "un-<<apologetic>> [apologetic 10]"
    )
    assert show(Window(0, "so, well", ((0, 2, 1.0), (2, 3, 1.0))), largest=1.0) == "<<so>><<,>> well [so 10, , 10]"


def test_only_the_strongest_tokens_are_listed_in_reading_order() -> None:
    spans = tuple((2 * i, 2 * i + 1, float(10 + i)) for i in range(12))
    listed = show(Window(0, "a b c d e f g h i j k l", spans), largest=21.0).partition("[")[2]
    assert listed == "e 7, f 8, g 8, h 9, i 9, j 10, k 10, l 10]"


def test_a_window_cannot_fake_marks_lines_or_control_characters() -> None:
    shown = show(Window(0, "a\n<<b>>\x1b[0m\r\nc", ((0, 1, 1.0),)), largest=1.0)
    assert shown == "<<a>>⏎‹‹b›› [0m⏎c [a 10]"
    prompt = explaining(3, windows(3), [Window(9, "x\n\nAnswer: {}", ())], largest=3.0)
    assert "x⏎⏎Answer: {}" in prompt.user


def test_windows_stand_in_groups_from_strong_to_weak_and_then_those_where_it_is_off() -> None:
    prompt = explaining(3, windows(7), [Window(9, "nothing here")], largest=7.0)
    lines = prompt.user.splitlines()
    heads = [line for line in lines if line and not line[0].isdigit()]
    assert [head.split()[0] for head in heads] == ["Strongest", "Middling", "Weakest", "Windows", "Now"]
    assert lines[lines.index("Windows where the feature is off") + 1] == "8. nothing here"
    assert ", ".join(f"{kind} ({meaning})" for kind, meaning in MEANINGS.items()) in prompt.system
    assert show_positives(windows(2), largest=2.0).count("\n") == 4


def test_a_prompt_is_known_by_its_feature_and_everything_in_it() -> None:
    one, same = (explaining(12, windows(4), [], largest=4.0) for _ in range(2))
    assert one == same
    assert feature_of(one.key) == 12
    others = [
        explaining(13, windows(4), [], largest=4.0),
        explaining(12, windows(5), [], largest=5.0),
        explaining(12, windows(4), [], largest=4.0, is_token=True),
        again(one, "no label"),
        apart(one, "apologies", "1. so <<sorry>>"),
    ]
    assert len({one.key, *(other.key for other in others)}) == 6
    assert "no label" in others[3].user
    assert '"apologies"' in others[4].user
    assert others[4].user.count("Now answer") == 1


def test_labels_are_compared_without_case_space_and_punctuation() -> None:
    assert normalised("Apologies,  and excuses!") == normalised("apologies and excuses")
    assert normalised("apologies") != normalised("excuses")
