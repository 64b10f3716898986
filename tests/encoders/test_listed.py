"""Lists of encoders: the package's own, the user's, one sentence for each mistake, and parts from the hub's cache."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import torch
from huggingface_hub.errors import GatedRepoError

from saedata.encoders import describe_encoder, find_encoder, list_encoders, load_encoder, load_sae
from saedata.encoders.encoder import LABELS
from saedata.encoders.fetching import state
from saedata.encoders.listed import NAMED, read_list
from saedata.errors import EncoderError
from saedata.labels.adopt import import_labels
from saedata.sae import SAE, save_sae
from saedata.sae.formats import hash_sae, hub

WANTED = ["gpt2-small", "gemma-2-2b", "gemma-3-270m", "gemma-3-1b", "llama-3.1-8b", "llama-3.3-70b"]
WANTED += ["qwen3-1.7b", "qwen3-8b"]


def entry(**changed: object) -> str:
    """A list with one encoder, `mine`, of the size of the tiny reader."""
    values: dict[str, object] = {
        "reader": "someone/reader",
        "layer": 2,
        "sae": "hub:someone/sae/deep/sae_weights.safetensors",
        "features": 64,
        "width": 32,
        "parameters": 20_000,
    }
    told = {key: value for key, value in (values | changed).items() if value is not None}
    rows = [f"{k} = {str(v).lower() if isinstance(v, bool) else repr(v)}" for k, v in told.items()]
    return "\n".join(["[mine]", *rows])


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's configuration folder."""
    folder = tmp_path / "config"
    folder.mkdir()
    monkeypatch.setenv("SAEDATA_CONFIG", str(folder))
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, which itself is out of reach."""
    folder = tmp_path / "hub"
    folder.mkdir()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return folder


def put_into_cache(cache: Path, repository: str, folder: Path, under: str = "") -> None:
    """Lay files out as the hub's client does."""
    place = cache / f"models--{repository.replace('/', '--')}"
    shutil.copytree(folder, place / "snapshots" / "abc" / under)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("abc")


def test_the_named_pairs_are_there_and_say_where_they_are_from() -> None:
    found = read_list(NAMED)
    assert list(found) == WANTED
    for spec in found.values():
        known = spec.listing
        assert known is not None
        assert known.seen
        assert known.licence
        assert hub.split(spec.sae).repository.count("/") == 1
        assert known.features % 4096 == 0
        assert known.parameters > known.width * known.features / 10


def test_what_a_list_can_get_wrong(tmp_path: Path) -> None:
    wrong = {
        entry(layer=None): "encoder mine: the key layer is missing; reader, layer, sae are needed",
        entry(layer="two"): "layer = 'two' should be a whole number from 1",
        entry(layer=True): "layer = True should be a whole number",
        entry(layer=0): "layer = 0 should be",
        entry(hook="resid_mid"): "hook = 'resid_mid' should be one of resid_post",
        entry(gated="someone/reader"): "gated = .* should be a list",
        entry(norm_limit=0.5): "norm_limit = 0.5 should be a number from 1",
        entry(skip_frist=1): "the key skip_frist is not known; did you mean skip_first",
        "layer = 3\n": "layer stands outside of any encoder",
        '[qwen3-1.7b]\nreader = "x"': r'quotation marks, as in \["qwen3-1.7b"\]',
        "[mine\n": "cannot be read",
    }
    for text, message in wrong.items():
        (tmp_path / "a.toml").write_text(text)
        with pytest.raises(EncoderError, match=message):
            read_list(tmp_path / "a.toml")
    with pytest.raises(EncoderError, match="cannot be read"):
        find_encoder(tmp_path / "nowhere.toml")


def test_the_users_own_list_adds_names(config: Path, cache: Path) -> None:
    (config / "encoders.toml").write_text(entry(about="of my own"))
    assert find_encoder("mine").reader == "someone/reader"
    row = list_encoders().filter(pl.col("name") == "mine").row(0, named=True)
    assert (row["about"], row["features"], row["state"], row["labelled"]) == ("of my own", 64, "to fetch", 0)
    (config / "encoders.toml").write_text(entry().replace("[mine]", "[minilm]"))
    with pytest.raises(EncoderError, match="the name minilm belongs to an encoder of saedata itself"):
        list_encoders()
    assert find_encoder("minilm").sae.is_dir()  # a mistake there does not take away what is bundled


def test_sizes_may_be_left_out(config: Path, cache: Path, tmp_path: Path) -> None:
    (config / "encoders.toml").write_text(entry(features=None, width=None, parameters=None))
    row = list_encoders().filter(pl.col("name") == "mine").row(0, named=True)
    assert (row["features"], row["memory"]) == (None, None)
    assert "memory" not in describe_encoder("mine")["field"].to_list()
    (tmp_path / "labels.csv").write_text("feature,label\n1,rain\n")
    with pytest.raises(EncoderError, match="say features = N in its list"):
        import_labels("mine", tmp_path / "labels.csv")


def test_a_list_by_its_path_with_places_from_where_it_lies(tmp_path: Path, tiny_reader: Path) -> None:
    save_sae(SAE.random(d_in=32, d_sae=64, seed=0), tmp_path / "sae")
    path = tmp_path / "my.toml"
    path.write_text(entry(reader=str(tiny_reader), sae="sae", threshold=0.5))
    loaded = load_encoder(path, device="cpu", precision="float32")
    assert (loaded.spec.name, loaded.sae.d_sae, loaded.spec.threshold) == ("mine", 64, 0.5)
    path.write_text(entry() + "\n" + entry(reader=str(tiny_reader), sae="sae").replace("mine", "other"))
    assert find_encoder(f"{path}:other").reader == str(tiny_reader)
    for name, message in ((str(path), "lists more than one encoder"), (f"{path}:third", "has no encoder third")):
        with pytest.raises(EncoderError, match=message):
            find_encoder(name)


def test_parts_come_from_the_cache_of_the_hub(
    config: Path, cache: Path, tiny_reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (config / "encoders.toml").write_text(entry())
    with pytest.raises(EncoderError) as missing:
        load_encoder("mine", device="cpu")
    said = str(missing.value)
    assert "the reader someone/reader, the SAE deep/sae_weights.safetensors of someone/sae" in said
    assert "hf download someone/reader" in said
    assert "hf download someone/sae --include 'deep/sae_weights.safetensors' --include 'deep/cfg.json'" in said
    put_into_cache(cache, "someone/reader", tiny_reader)
    assert state(find_encoder("mine")) == "in part"
    save_sae(SAE.random(d_in=32, d_sae=64, seed=5), tmp_path / "sae")
    put_into_cache(cache, "someone/sae", tmp_path / "sae", under="deep")
    loaded = load_encoder("mine", device="cpu", precision="float32")
    assert state(loaded.spec) == "here"
    assert loaded.sae_sha256 == hash_sae(tmp_path / "sae")
    assert torch.equal(load_sae("mine").W_enc, load_sae(tmp_path / "sae").W_enc)
    assert loaded.spec.labels is None
    loaded.spec.folder.mkdir(parents=True)
    pl.DataFrame({"feature": [3], "label": ["rain"]}).write_parquet(loaded.spec.folder / LABELS)
    assert list_encoders().filter(pl.col("name") == "mine")["labelled"].item() == 1
    assert replace(loaded.spec, layer=1).labels is None  # another layer's labels are not its own


def test_any_sae_of_the_hub_can_be_named(cache: Path, tmp_path: Path) -> None:
    save_sae(SAE.random(d_in=8, d_sae=16, seed=5), tmp_path / "sae")
    put_into_cache(cache, "someone/sae", tmp_path / "sae")
    assert load_sae("hub:someone/sae/sae_weights.safetensors").d_sae == 16
    with pytest.raises(EncoderError, match=r"other\.pt of someone/sae is not in the Hugging Face cache"):
        load_sae("hub:someone/sae/other.pt")
    for wrong in ("hub:someone/sae", "hub:x", "hub:a/b/../c"):
        with pytest.raises(EncoderError, match="should read hub:OWNER/REPOSITORY"):
            load_sae(wrong)


def test_a_gated_repository_says_what_to_do(config: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx

    def refuse(*_arguments: object, local_files_only: bool, **_options: object) -> str:
        if local_files_only:
            raise FileNotFoundError
        raise GatedRepoError(said, response=httpx.Response(401, request=httpx.Request("GET", "https://x")))

    said = "no"
    (config / "encoders.toml").write_text(entry())
    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
    with pytest.raises(EncoderError, match=r"someone/reader is gated: accept its terms at https.*hf auth login"):
        load_encoder("mine", device="cpu")


def test_hidden_states_are_centred_where_the_sae_wants_it(tmp_path: Path, tiny_reader: Path) -> None:
    save_sae(SAE.random(d_in=32, d_sae=64, seed=0), tmp_path / "sae")
    (tmp_path / "my.toml").write_text(entry(reader=str(tiny_reader), sae="sae", centred=True))
    sae = load_encoder(tmp_path / "my.toml", device="cpu", precision="float32").sae
    plain = load_sae(tmp_path / "sae")
    x = torch.randn(9, 32) + 3
    mean = x.mean(1, keepdim=True)
    torch.testing.assert_close(sae.encode(x), plain.encode(x - mean))
    torch.testing.assert_close(sae.decode(sae.encode(x), x), plain.decode(plain.encode(x - mean)) + mean)


def test_one_encoder_whole() -> None:
    table = dict(describe_encoder("llama-3.1-8b").iter_rows())
    assert table["gated"] == "meta-llama/Llama-3.1-8B-Instruct"
    assert "model card" in table["seen in"]
    assert "for the reader" in table["memory"]
    assert "batch-N.jsonl.gz" in table["labels"]
