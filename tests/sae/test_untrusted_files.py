"""Files that are damaged, or made to do harm: one sentence, and nothing is executed."""

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import sae_files as files
import torch
from safetensors.torch import save_file

from saedata.encoders import custom_encoder, load_encoder, load_sae
from saedata.errors import EncoderError
from saedata.sae import SAE, save_sae

Writer = Callable[..., tuple]


class Bomb:
    """Makes a file when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path(self.path).touch, ()


@pytest.mark.parametrize("name", ["ae.pt", "model.pth", "layer3.sae.pt", "atoms.pt", "SAE_M=8_K=2.pt"])
@pytest.mark.parametrize("old", [True, False], ids=["legacy", "zip"])
def test_pickles_are_not_executed(name: str, old: bool, tmp_path: Path) -> None:
    fired = tmp_path / "fired"
    content = {"W_enc": torch.zeros(2, 2), "b_enc": Bomb(fired)}
    if old:
        with (tmp_path / name).open("wb") as file:
            pickle.dump(content, file)
    else:
        torch.save(content, tmp_path / name)
    with pytest.raises(EncoderError, match=r"is not a file of weights alone|cannot be read as a PyTorch file"):
        load_sae(tmp_path / name)
    assert not fired.exists()
    if old:
        pickle.loads((tmp_path / name).read_bytes())
        assert fired.exists()  # the bomb is one


def test_arrays_of_objects_are_not_unpickled(tmp_path: Path) -> None:
    fired = tmp_path / "fired"
    bomb = np.array([Bomb(fired)], dtype=object)
    np.savez(tmp_path / "params.npz", W_enc=bomb, threshold=np.zeros(3))
    with pytest.raises(EncoderError, match=r"cannot be read as an \.npz file of numbers: Object arrays"):
        load_sae(tmp_path)
    assert not fired.exists()


def test_yaml_makes_no_objects(tmp_path: Path) -> None:
    path, _, _ = files.itda(tmp_path)
    (path / "metadata.yaml").write_text(f"k: !!python/object/apply:os.mkdir ['{tmp_path / 'fired'}']\n")
    with pytest.raises(EncoderError, match=r"metadata\.yaml is not valid YAML"):
        load_sae(path)
    assert not (tmp_path / "fired").exists()


def test_archives_that_unpack_to_more_than_there_is_memory_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import psutil

    with zipfile.ZipFile(tmp_path / "params.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("W_enc.npy", b"\0" * 10_000_000)
    assert (tmp_path / "params.npz").stat().st_size < 20_000
    free = psutil.virtual_memory()._replace(available=5_000_000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    with pytest.raises(EncoderError, match=r"unpacks to 0\.0 GB, but 0\.0 GB of memory are free"):
        load_sae(tmp_path)


@pytest.mark.parametrize("name", ["ae.pt", "params.npz", "sae.safetensors", "params.safetensors", "x.pth"])
@pytest.mark.parametrize("content", [b"", b"not weights at all", b"PK\x03\x04 half an archive", b"\x80\x04half"])
def test_damaged_files(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EncoderError) as caught:
        load_sae(tmp_path)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("write", [files.goodfire, files.gemma_scope, files.sparsify, files.openai, files.itda])
def test_files_cut_short(write: Writer, tmp_path: Path) -> None:
    path, _, _ = write(tmp_path)
    weights = (
        path
        if path.is_file()
        else next(p for p in path.iterdir() if p.name in ("params.npz", "sae.safetensors", "atoms.pt"))
    )
    whole = weights.read_bytes()
    for size in (len(whole) // 2, len(whole) - 20):
        weights.write_bytes(whole[:size])
        with pytest.raises(EncoderError, match=weights.name) as caught:
            load_sae(path)
        assert "\n" not in str(caught.value)


def test_numbers_that_are_not_finite(tmp_path: Path) -> None:
    path, _, _ = files.goodfire(tmp_path)
    state = torch.load(path, weights_only=True)
    for bad in (float("nan"), float("inf")):
        state["encoder_linear.bias"][3] = bad
        torch.save(state, path)
        with pytest.raises(EncoderError, match=r"encoder_linear\.bias holds numbers that are not finite"):
            load_sae(path)


@pytest.mark.parametrize(
    ("write", "name", "shape", "message"),
    [
        (files.goodfire, "encoder_linear.bias", (7,), r"has shape \(7,\), expected \(48,\)"),
        (files.goodfire, "decoder_linear.weight", (48, 16), r"has shape \(48, 16\), expected \(16, 48\)"),
        (files.goodfire, "encoder_linear.weight", (48,), r"has shape \(48,\), expected \(any, any\)"),
        (files.goodfire, "encoder_linear.weight", (0, 16), "encoder_linear.weight is empty"),
        (files.openai, "pre_bias", (17,), r"has shape \(17,\), expected \(16,\)"),
        (files.qwen_scope, "W_dec", (48, 16), r"has shape \(48, 16\), expected \(16, 48\)"),
        (files.hypothesaes, "neuron_bias", (1, 48), r"has shape \(1, 48\), expected \(48,\)"),
    ],
)
def test_wrong_shapes(write: Writer, name: str, shape: tuple, message: str, tmp_path: Path) -> None:
    path, _, _ = write(tmp_path)
    content = torch.load(path, weights_only=True)
    content.get("state_dict", content)[name] = torch.zeros(shape)
    torch.save(content, path)
    with pytest.raises(EncoderError, match=message):
        load_sae(path)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    path, _, _ = files.goodfire(tmp_path)
    state = torch.load(path, weights_only=True)
    torch.save({k: v for k, v in state.items() if k != "decoder_linear.bias"}, path)
    with pytest.raises(EncoderError, match=r"lacks decoder_linear\.bias"):
        load_sae(path)


def test_what_is_in_no_known_format_says_what_was_found_and_what_is_known(tmp_path: Path) -> None:
    save_file({"embed.weight": torch.zeros(4, 4)}, tmp_path / "model.safetensors")
    with pytest.raises(EncoderError, match=r"holds embed\.weight; known are SAELens.*sparsify.*Qwen-Scope"):
        load_sae(tmp_path)
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(EncoderError, match=r"holds several weights files \(list\.pt, model\.safetensors\)"):
        load_sae(tmp_path)
    with pytest.raises(EncoderError, match="holds a list, not a state dict"):
        load_sae(tmp_path / "list.pt")
    with pytest.raises(EncoderError, match="there is no SAE file or folder"):
        load_sae(tmp_path / "absent.pt")


def test_configurations_that_contradict_the_weights(tmp_path: Path) -> None:
    save_sae(SAE.random(d_in=8, d_sae=12, seed=0), tmp_path)
    text = (tmp_path / "cfg.json").read_text()
    (tmp_path / "cfg.json").write_text(text.replace('"d_sae": 12', '"d_sae": 13'))
    with pytest.raises(
        EncoderError, match=r"says d_sae = 13, but sae_weights\.safetensors holds W_enc of shape \(8, 12\)"
    ):
        load_sae(tmp_path)
    (tmp_path / "cfg.json").write_text("[1]")
    with pytest.raises(EncoderError, match="does not hold a JSON object"):
        load_sae(tmp_path)


def test_another_width_than_the_reader(tmp_path: Path, tiny_reader: Path) -> None:
    path, _, _ = files.gemma_scope(tmp_path)
    with pytest.raises(EncoderError, match=r"width 16, but the reader .* has width 32: they do not belong together"):
        load_encoder(custom_encoder(str(tiny_reader), layer=1, sae=path), device="cpu")
