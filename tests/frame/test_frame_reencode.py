"""Tokens and highlighting, with a stand-in for the encoder."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import polars as pl
import pytest

from saedata.errors import EncoderError, FrameError
from saedata.frame import Embeddings, Html
from saedata.frame.highlight import mark
from saedata.frame.reencode import _load

SCHEMA = {
    "token": pl.String,
    "start": pl.UInt32,
    "stop": pl.UInt32,
    "feature": pl.UInt32,
    "value": pl.Float32,
}


def encode_tokens(text: str, reader: Any, sae: Any) -> pl.DataFrame:
    """Feature 0 is on at every s, feature 2 everywhere, feature 3 at value 0."""
    rows = [(c, i, i + 1, 0, 1.5) for i, c in enumerate(text) if c == "s"]
    rows += [(c, i, i + 1, 2, 0.5) for i, c in enumerate(text)]
    rows += [(c, i, i + 1, 3, 0.0) for i, c in enumerate(text)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@pytest.fixture
def loads(frame: Embeddings, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    calls: list[tuple[str, str]] = []

    def load_encoder(name: str, *, precision: str, chat_template: bool) -> SimpleNamespace:
        calls.append((name, precision))
        assert not chat_template
        info = frame.encoder
        reader = SimpleNamespace(sha256=info.reader_sha256, hook=info.hook, pooling=info.pooling)
        return SimpleNamespace(reader=reader, sae=None, sae_sha256=frame.encoder.sae_sha256)

    for name, value in (("encode", encode_tokens), ("encoders", load_encoder)):
        module = ModuleType(f"saedata.{name}")
        setattr(module, value.__name__, value)
        monkeypatch.setitem(sys.modules, f"saedata.{name}", module)
    _load.cache_clear()
    yield calls
    _load.cache_clear()


def test_tokens_of_a_document(frame: Embeddings, loads: list[tuple[str, str]]):
    table = frame.tokens(1)
    assert table.columns == list(SCHEMA)
    assert table.filter(pl.col("feature") == 0).rows() == [("s", 8, 9, 0, 1.5)]
    assert frame.tokens(3).height == frame.tokens(2).height == 0
    assert frame.select([0]).tokens(1).height == 1
    assert loads == [("tiny", "float32")]


def test_highlight_marks_and_escapes(frame: Embeddings, loads: list[tuple[str, str]]):
    html = frame.highlight(0, 0)
    assert html == 'I am <mark title="1.5">s</mark>orry'
    assert html._repr_html_().startswith("<div")
    assert "<mark" not in frame.highlight(0, 3)
    assert frame.highlight(2, 0) == ""


def test_documents_outside_the_view(frame: Embeddings, loads: list[tuple[str, str]]):
    with pytest.raises(FrameError, match="document 0 is not in this view of answers"):
        frame.filter(pl.col("doc") > 0).tokens(0)
    with pytest.raises(FrameError, match="from 0 to 6"):
        frame.tokens(7)
    with pytest.raises(FrameError, match="feature 9 does not exist"):
        frame.highlight(0, 9)


def test_other_weights_are_refused(frame: Embeddings, loads: list[tuple[str, str]]):
    other: Any = SimpleNamespace(reader=SimpleNamespace(sha256="0"), sae=None, sae_sha256="0")
    with pytest.raises(EncoderError, match="has other weights than the frame was made with"):
        frame.tokens(0, encoder=other)
    assert loads == []


def test_another_hook_or_pooling_is_refused(frame: Embeddings):
    info = frame.encoder
    reader = SimpleNamespace(sha256=info.reader_sha256, hook=info.hook, pooling="max; windows begin with BOS")
    other: Any = SimpleNamespace(reader=reader, sae=None, sae_sha256=info.sae_sha256)
    with pytest.raises(EncoderError, match=r"reads in another way .*begin with BOS"):
        frame.tokens(0, encoder=other)


def test_text_is_never_markup():
    text = "<script>alert('x')</script> & \"more\""
    html = mark(text, [(0, 8, 1.0)])
    assert html == ('<mark title="1">&lt;script&gt;</mark>alert(&#x27;x&#x27;)&lt;/script&gt; &amp; &quot;more&quot;')
    assert isinstance(html, Html)


@pytest.mark.parametrize(
    ("spans", "marked"),
    [
        ([(2, 4, 1.0), (0, 2, 1.0)], "[ab][cd]ef"),
        ([(0, 3, 1.0), (2, 5, 1.0)], "[abc]def"),
        ([(1, 2, 1.0), (1, 4, 1.0)], "a[bcd]ef"),
        ([(4, 99, 1.0), (9, 12, 1.0), (3, 3, 1.0)], "abcd[ef]"),
        ([], "abcdef"),
    ],
)
def test_spans_that_overlap_or_leave_the_text(spans: list[tuple[int, int, float]], marked: str):
    plain = mark("abcdef", spans).replace('<mark title="1">', "[").replace("</mark>", "]")
    assert plain == marked
