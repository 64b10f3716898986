"""The encoder check: a wrong layer, hook, scale or model is said in words, the right pair never."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl
import pytest
from click.testing import CliRunner
from tiny_models import TINY_WORDS

from saedata.embedding import embed
from saedata.encoder_check import check_documents, check_encoder
from saedata.encoders import LoadedEncoder, custom_encoder, load_encoder
from saedata.errors import CorpusError
from saedata.reader import Hook, Reader, load_reader, nearby
from saedata.reader.blocks import find_blocks
from saedata.reader.hooks import Tap
from saedata.sae import SAE, save_sae
from saedata.sae.activations import collect_activations
from saedata.sae.train import TrainOptions, train_sae
from saedata_cli.check_encoder import command

Make = Callable[[str], Path]
CHECKS = ["variance unexplained", "norm ratio", "features on per token", "layer and hook", "scale"]
TEXTS = [
    "Sorry, I cannot help with that, but a pharmacist can tell you what to take.",
    "1. Preheat the oven to 180 degrees. 2. Mix flour and sugar. 3. Bake for forty minutes.",
    "The committee met on Tuesday and put off its decision about the new bridge until the autumn.",
    "def area(radius):\n    return 3.14159 * radius ** 2",
    "omg this is the best day EVER!!! can't believe we won :)",
    "Dear Ms Okafor, thank you for your letter of 3 May about the broken boiler in flat 12.",
    "Whales breathe air; they come to the surface through the night and day.",
    "Shares of the steel maker fell by 4.2 percent after it cut its forecast for the year.",
    "I don't think he meant it that way. Have you asked him?",
    "The tenant shall give notice in writing not less than two months before the end of the term.",
    "Once upon a time a miller had three sons, a mill, a donkey and a cat.",
    "Die Bahn hatte wieder Verspätung, deshalb kam ich erst um neun nach Hause.",
    "El tren llegó tarde y tuvimos que esperar bajo la lluvia.",
    "ERROR 2024-03-01 12:01:44 worker 7 lost its connection to queue 'mail', trying again in 30 s",
    "To be honest, the sound is fine but the battery is dead after two hours. Two stars.",
    "She planted beans along the fence and tomatoes by the wall, where it is warm.",
    "A prime number has exactly two divisors, one and itself.",
    "Please reset my password, I have tried three times and the link does not work.",
    "The recipe serves four; halve it for two, but keep the same tin.",
    "No.",
]


def verdicts(table: pl.DataFrame) -> dict[str, str]:
    return {check: verdict for check, verdict in table.select("check", "verdict").iter_rows() if verdict != "ok"}


def words(seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(TINY_WORDS, size)) for size in random.integers(5, 40, 300)]


def trained(reader: Reader, folder: Path) -> Path:
    """A small SAE, trained for a second on what this reader gives."""
    folder.mkdir()
    rows = collect_activations(words(1), reader, tokens=6000, path=folder / "states.f16")
    save_sae(train_sae(rows, TrainOptions(128, 8, 400, 512, 3e-3, seed=0)), folder)
    return folder


@pytest.fixture(scope="module")
def sae(family_reader: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    reader = load_reader(family_reader("gpt2"), layer=2, device="cpu", precision="float32")
    return trained(reader, tmp_path_factory.mktemp("checked") / "sae")


def check(folder: Path, sae: Path, layer: int, hook: Hook = "resid_post", **options: Any) -> dict[str, str]:
    table = check_encoder(
        words(2)[:20], reader=str(folder), layer=layer, sae=sae, hook=hook, device="cpu", precision="float32", **options
    )
    assert table["check"].to_list() == CHECKS
    assert table.columns == ["check", "value", "expected", "verdict"]
    return verdicts(table)


def test_the_right_pair_passes(family_reader: Make, sae: Path) -> None:
    assert check(family_reader("gpt2"), sae, 2) == {}


@pytest.mark.parametrize(
    ("layer", "hook"), [(1, "resid_post"), (3, "resid_post"), (2, "resid_pre"), (2, "mlp_out"), (2, "attn_out")]
)
def test_another_layer_or_hook_is_named(family_reader: Make, sae: Path, layer: int, hook: Hook) -> None:
    found = check(family_reader("gpt2"), sae, layer, hook)
    assert "the SAE fits layer 2, resid_post better" in found["layer and hook"]


def test_another_model_is_noticed(family_reader: Make, sae: Path) -> None:
    for family in ("gpt_neox", "llama"):
        assert "variance unexplained" in check(family_reader(family), sae, 2)


def scaled(sae: SAE, factor: float) -> SAE:
    """The SAE that would have been trained on states multiplied by a factor."""
    return replace(
        sae, W_enc=sae.W_enc / factor, W_dec=sae.W_dec * factor, b_dec=sae.b_dec * factor, mean=sae.mean * factor
    )


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_another_scale_is_named(family_reader: Make, sae: Path, factor: float) -> None:
    spec = custom_encoder(str(family_reader("gpt2")), layer=2, sae=sae)
    loaded = load_encoder(spec, device="cpu", precision="float32", beyond=1)
    wrong = verdicts(check_documents(words(2)[:20], replace(loaded, sae=scaled(loaded.sae, factor))))
    assert f"multiplied by {factor:g} better" in wrong["scale"]


def test_the_card_of_an_sae_sets_what_is_expected(family_reader: Make, sae: Path, tmp_path: Path) -> None:
    import shutil

    folder = shutil.copytree(sae, tmp_path / "sae")
    figures = {"variance_unexplained": 0.01, "l0": 90.0, "norm_ratio": 0.1}
    (folder / "card.json").write_bytes(orjson.dumps({"held_out": figures}))
    assert check(family_reader("gpt2"), folder, 2).keys() == {"norm ratio", "features on per token"}
    (folder / "card.json").write_text("{}")
    assert check(family_reader("gpt2"), folder, 2) == {}


def test_embed_warns_once_and_goes_on(
    family_reader: Make, sae: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for layer, warned in ((2, False), (3, True)):
        caplog.clear()
        out = tmp_path / f"{layer}.sae"
        frame = embed(words(2)[:20], out=out, reader=str(family_reader("gpt2")), layer=layer, sae=sae, device="cpu")
        assert frame.n_documents == 20
        assert ("does the encoder fit? layer and hook" in caplog.text) == warned
    caplog.clear()
    embed(words(2)[:20], out=out, reader=str(family_reader("gpt2")), layer=3, sae=sae, device="cpu")
    assert "does the encoder fit?" not in caplog.text


def test_the_command_prints_and_exits_with_1_where_something_is_wrong(
    family_reader: Make, sae: Path, tmp_path: Path
) -> None:
    (tmp_path / "words.txt").write_text("\n".join(words(2)[:25]))
    for layer, code in ((2, 0), (1, 1)):
        options = ["--reader", family_reader("gpt2"), "--layer", layer, "--sae", sae, "--device", "cpu", "--json"]
        result = CliRunner().invoke(command, [str(tmp_path / "words.txt"), *map(str, options)])
        assert result.exit_code == code, result.output
        assert [row["check"] for row in orjson.loads(result.output)] == CHECKS


def test_nothing_to_read(family_reader: Make, sae: Path) -> None:
    spec = custom_encoder(str(family_reader("gpt2")), layer=2, sae=sae)
    with pytest.raises(CorpusError, match="no text to check the encoder on"):
        check_documents([None, ""], load_encoder(spec, device="cpu"))


@pytest.fixture(scope="module")
def minilm() -> LoadedEncoder:
    return load_encoder("minilm", device="cpu", beyond=1)


def test_the_bundled_encoder_passes_on_twenty_kinds_of_text(minilm: LoadedEncoder) -> None:
    assert verdicts(check_documents(TEXTS, minilm)) == {}
    for begin in range(0, 20, 5):
        assert verdicts(check_documents(TEXTS[begin : begin + 5], minilm)) == {}


def test_the_bundled_sae_on_another_layer_hook_or_scale(minilm: LoadedEncoder) -> None:
    reader, right = minilm.reader, minilm.reader.layer
    blocks = find_blocks(reader.model)
    wrong: list[LoadedEncoder] = [
        replace(minilm, reader=replace(reader, layer=layer, tap=Tap(blocks[layer - 1])))
        for layer in (right - 1, right + 1)
    ]
    wrong += [
        replace(minilm, reader=replace(reader, kind=hook, tap=nearby(reader)[right, hook]))
        for hook in ("mlp_out", "attn_out")
    ]
    for encoder in wrong:
        assert f"the SAE fits layer {right}, " in verdicts(check_documents(TEXTS[:6], encoder))["layer and hook"]
    for factor in (0.5, 2.0):
        table = check_documents(TEXTS[:6], replace(minilm, sae=scaled(minilm.sae, factor)))
        assert f"multiplied by {factor:g} better" in verdicts(table)["scale"]
