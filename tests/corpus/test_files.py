from __future__ import annotations

import gc
import io
import os
import tempfile
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from corpus_files import Put, jsonl, texts

from saedata.corpus import read_corpus
from saedata.corpus.files import are_paths
from saedata.errors import CorpusError


def give_stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(content)))


def test_a_folder_is_read_in_the_order_of_its_paths(put: Put, tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "sub/c.txt", "sub/deeper/d.txt"):
        put(f"corpus/{name}", name)
    corpus = read_corpus(tmp_path / "corpus")
    assert texts(corpus) == ["a.txt", "b.txt", "sub/c.txt", "sub/deeper/d.txt"]
    assert corpus.name == "corpus"
    assert corpus.warnings == ()


def test_what_is_no_part_of_a_corpus_is_left_aside(put: Put, tmp_path: Path) -> None:
    for name in ("a.txt", ".hidden.txt", "_SUCCESS", ".git/x.txt", "old.sae/documents/part-00000.txt"):
        put(f"corpus/{name}", name)
    assert texts(read_corpus(tmp_path / "corpus")) == ["a.txt"]
    put("corpus/README.md", "about")
    put("corpus/pic.png", "x")
    (warning,) = read_corpus(tmp_path / "corpus").warnings
    assert warning == (f"2 file(s) in {tmp_path / 'corpus'} are of no known kind and were not read: README.md, pic.png")


def test_a_glob_is_sorted_and_may_match_folders(put: Put, tmp_path: Path) -> None:
    for name in ("x-2.txt", "x-1.txt", "x-dir/z.txt", "y.txt"):
        put(f"corpus/{name}", name)
    corpus = read_corpus(str(tmp_path / "corpus/x-*"))
    assert texts(corpus) == ["x-1.txt", "x-2.txt", "x-dir/z.txt"]
    assert corpus.name == "corpus"
    assert len(texts(read_corpus(tmp_path / "**" / "*.txt"))) == 4


def test_relative_globs(put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put("here/a.txt", "a")
    put("there/b.txt", "b")
    monkeypatch.chdir(tmp_path / "here")
    assert texts(read_corpus("*.txt")) == ["a"]
    assert texts(read_corpus("../th*/*.txt")) == ["b"]
    assert read_corpus(".").name == "here"


def test_a_name_with_brackets_is_a_file_first(put: Put) -> None:
    assert texts(read_corpus(put("a[1].txt", "a"))) == ["a"]


def test_several_sources_are_read_one_after_the_other(put: Put) -> None:
    corpus = read_corpus([put("b.txt", "b"), put("a.jsonl.gz", jsonl({"text": "a", "n": 1}))])
    assert texts(corpus) == ["b", "a"]
    assert corpus.name == "b+1"


def test_names_are_for_people(put: Put) -> None:
    assert read_corpus(put("answers.v2.jsonl.gz", jsonl({"text": "a"}))).name == "answers"


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("answrs.jsonl", r"^there is no file .*answrs.jsonl; did you mean .*/answers.jsonl\?$"),
        ("nothing/like/it.jsonl", r"^there is no file .*it.jsonl; check the path$"),
        ("*.csv", r"^nothing to read matches .*\*.csv; known endings are: .parquet, .*\.txt.zst$"),
        ("empty", r"^the folder .*empty holds no file to read; known endings are"),
        ("pictures", r"^the folder .*pictures holds no file to read; known endings are"),
        ("old.sae", r"^.*old.sae is a sparse frame, not a corpus; open it with saedata.open$"),
        ("x" * 5000, r"^there is no file .{200}; check the path$"),
    ],
)
def test_what_is_not_there_is_said(put: Put, tmp_path: Path, source: str, complaint: str) -> None:
    put("answers.jsonl", "")
    put("pictures/a.png", "x")
    put("old.sae/manifest.json", "{}")
    put("old.sae/documents/part-00000.parquet", "")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match=complaint):
        read_corpus(str(tmp_path / source))


def test_an_address_is_not_a_file() -> None:
    with pytest.raises(CorpusError, match=r"^https://x.org/a.jsonl is an address, and only local files"):
        read_corpus("https://x.org/a.jsonl")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(put: Put) -> None:
    path = put("a.txt", "a")
    path.chmod(0)
    with pytest.raises(CorpusError, match=r"a.txt cannot be read: Permission denied$"):
        read_corpus(path)


@pytest.mark.parametrize(
    "content", [b"one\ntwo\n", b'{"text": "one"}\n{"text": "two"}\n', b'["one", "two"]', b'"one"\n"two"\n']
)
def test_standard_input_is_kept_for_the_second_reading(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    give_stdin(monkeypatch, content)
    corpus = read_corpus("-")
    assert corpus.name == "stdin"
    expected = ['"one"', '"two"'] if content.startswith(b'"') else ["one", "two"]
    assert texts(corpus) == expected == texts(corpus)
    assert len(list(tmp_path.iterdir())) == 1
    del corpus
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_a_broken_line_of_standard_input_is_placed_and_its_copy_deleted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    give_stdin(monkeypatch, b'{"text": "one"}\n{"text"\n')
    with pytest.raises(CorpusError, match=r"^standard input, line 2: broken JSON"):
        read_corpus("-")
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_is_read_like_standard_input(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b'{"text": "one"}\n',))
    writer.start()
    corpus = read_corpus(pipe)
    writer.join()
    assert texts(corpus) == ["one"] == texts(corpus)


def test_lists_of_paths_and_lists_of_documents(put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put("a.txt", "a")
    put("folder/b.txt", "b")
    monkeypatch.chdir(tmp_path)
    assert are_paths(["a.txt", "folder"])
    assert are_paths(["missing.jsonl"])
    assert are_paths(["-", "*.jsonl"])
    assert are_paths([Path("missing"), "folder"])
    assert not are_paths(["one", "folder"])
    assert not are_paths(["I keep it in data.csv"])
    assert not are_paths(["x" * 100_000, "two\nlines", "nul\0"])
    assert not are_paths([])
    assert not are_paths(["a.txt", None])
    assert texts(read_corpus(["one", "folder"])) == ["one", "folder"]


def test_a_list_that_mixes_files_and_other_strings_is_refused(
    put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("a.txt", "a")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CorpusError, match=r"^the list mixes files \(a.txt\) and 'folded', which is no file"):
        read_corpus(["a.txt", "folded"])
