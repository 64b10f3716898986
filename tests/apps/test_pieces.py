"""What the pages are made of: safe markup, calls to copy, settings of the server, and progress."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner
from dashboard import HOSTILE
from markupsafe import Markup

import saedata_apps
from saedata.errors import InputError
from saedata.progress import listening, progress
from saedata_apps import charts, opened, serving
from saedata_apps.markup import fill, literal, show
from saedata_apps.same import Call, Command
from saedata_apps.tables import flat
from saedata_cli.app import command


def test_a_template_escapes_what_it_is_filled_with() -> None:
    text = (
        "&lt;img src=x onerror=alert(1)&gt; **bold** $x^2$ :red[red] [link](https://example.org) \ufffdevil\ufffd[31m"
    )
    assert fill("<b>{x}</b>", x=HOSTILE) == f"<b>{text}</b>"
    assert fill("<i>{x}</i>", x=fill("<b>{y}</b>", y="<")) == "<i><b>&lt;</b></i>"
    assert fill('<p title="{x}">', x='"><script>') == '<p title="&#34;&gt;&lt;script&gt;">'


def test_only_what_was_filled_can_be_shown() -> None:
    with pytest.raises(TypeError):
        show("<b>text</b>")  # type: ignore[arg-type]
    assert isinstance(fill("<b>"), Markup)


def test_markdown_of_a_label_is_taken_literally() -> None:
    assert literal("**a** :red[b] $c$ `d` <e>") == r"\*\*a\*\* \:red\[b\] \$c\$ \`d\` \<e\>"


def test_html_is_made_in_one_place_only() -> None:
    folder = Path(saedata_apps.__file__).parent
    for file in folder.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        allowed = {"markup.py": 1, "app.py": 1}.get(file.name, 0)  # app.py shows the style sheet
        assert text.count("st.html(") == allowed, file
        for word in (
            "unsafe_allow_html",
            "unsafe_allow_javascript",
            "st.markdown(",
            "st.write(",
            "st.error(",
            "st.title(",
        ):
            assert word not in text, (file, word)


def test_there_is_no_folder_that_streamlit_would_serve_past_the_entrance() -> None:
    assert not (Path(saedata_apps.__file__).parent / "pages").exists()


def test_calls_and_commands_quote_what_they_are_given() -> None:
    line = Call("diff", ("it's",), {"by": 'a "b"', "pair": None}).line(["a", "b"])
    assert line == 'saedata.diff(a, b, "it\'s", by=\'a "b"\')'
    shell = Command("search", {"where": ["a=1", "b;rm -rf /"], "no": False}, ("$(x)",)).line(["my file.sae"])
    assert shell == "saedata search 'my file.sae' '$(x)' --where a=1 --where 'b;rm -rf /'"


def test_the_server_keeps_to_itself() -> None:
    options = serving.options(port=1, address="localhost", headless=True)
    assert options["browser_gatherUsageStats"] is False
    assert options["server_address"] == "localhost"
    assert options["server_enableXsrfProtection"] is True
    assert options["server_enableStaticServing"] is False
    assert options["client_showErrorDetails"] == "none"
    from streamlit import config

    known = {name.replace(".", "_") for name in config.get_config_options()}
    assert set(options) <= known


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"cannot listen on localhost:{port}"):
            serving.serve(port=port)


def test_a_folder_that_is_missing_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such folder"):
        serving.serve(corpora=[tmp_path / "missing"])


def test_without_streamlit_the_command_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "streamlit", None)
    with pytest.raises(InputError, match=r"pip install 'saedata\[app\]'"):
        serving.check_streamlit()


def test_the_command_passes_on_what_it_is_given(corpora: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(serving, "serve", lambda *frames, **options: asked.append((frames, options)))
    paths = [str(frame.path) for frame in corpora]
    words = [*paths, "--port", "9000", "--headless", "--corpora", str(tmp_path)]
    result = CliRunner().invoke(command, words, catch_exceptions=False)
    assert result.exit_code == 0
    ((frames, options),) = asked
    assert [frame.name for frame in frames] == ["warm", "cold"]
    assert options == {
        "port": 9000,
        "headless": True,
        "address": "localhost",
        "corpora": (tmp_path,),
        "sources": tuple(paths),
    }


def test_frames_of_one_name_are_told_apart(corpora: Any, make_frame: Any) -> None:
    twin = make_frame("other/../warm2.sae", [("text", {0: 1.0})])
    twin.name = "warm"
    assert opened.add(twin) == "warm (2)"
    assert list(opened.frames()) == ["warm", "cold", "warm (2)"]
    assert opened.add(corpora[0]) == "warm"


def test_a_view_of_some_documents_is_kept_apart_from_all(corpora: Any) -> None:
    assert opened.key(corpora[0]) != opened.key(corpora[0].filter(pl.col("doc") < 9))
    assert opened.key(corpora[0]) != opened.key(corpora[1])


def test_a_listener_hears_how_far_work_is() -> None:
    heard: list[Any] = []
    with listening(lambda *told: heard.append(told)), progress("reading", total=4, unit="documents") as done:
        done(1)
        done(3)
    assert heard == [
        ("reading", 0.0, 4, "documents"),
        ("reading", 1.0, 4, "documents"),
        ("reading", 4.0, 4, "documents"),
    ]


def test_what_is_nested_becomes_text_in_csv() -> None:
    rows = pl.DataFrame({"a": [["x", "y"]], "b": [[{"c": 1}]], "d": [{"e": "f"}]})
    assert flat(rows).row(0) == ("x; y", '{"b":[{"c":1}]}', '{"e":"f"}')


def test_every_chart_of_marks_can_be_clicked() -> None:
    from saedata.plots import distribution_chart

    spec = charts._spec(distribution_chart("tokens", [0, 1, 2], [[1, 2]], names=["a"]), title=False)
    assert charts._holding(spec["layer"], "feature", spec) is None


@pytest.mark.parametrize("module", ["markup", "same", "tables"])
def test_examples_in_docstrings_are_true(module: str) -> None:
    import doctest
    import importlib

    result = doctest.testmod(importlib.import_module(f"saedata_apps.{module}"))
    assert result.attempted > 0
    assert result.failed == 0
