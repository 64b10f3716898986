"""The named pairs are those that SAELens lists: repository, file, reader, layer, and source of labels."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import comparison
import pytest
import yaml

from saedata.encoders.listed import NAMED, read_list
from saedata.sae.formats import hub

pytestmark = comparison.needs("sae_lens")

ENCODERS = read_list(NAMED)


@pytest.fixture(scope="module")
def directory() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every release with every SAE in it."""
    spec = importlib.util.find_spec("sae_lens")
    assert spec is not None
    assert spec.origin is not None
    releases = yaml.safe_load(Path(spec.origin).with_name("pretrained_saes.yaml").read_text())
    return [(release, sae) for release in releases.values() for sae in release["saes"]]


@pytest.mark.parametrize("name", ENCODERS)
def test_saelens_lists_the_same_pair(name: str, directory: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    spec, place = ENCODERS[name], hub.split(ENCODERS[name].sae)
    found = [
        (release, sae)
        for release, sae in directory
        if release["repo_id"] == place.repository and sae["path"] in (str(place.file), str(place.file.parent))
    ]
    assert found
    readers = {release["model"] for release, _ in found}
    assert readers & {spec.reader, spec.reader.split("/")[-1], "gpt2-small"}
    told = re.search(r"(?:layer_?|blocks\.|-l)(\d+)", str(place.file))
    assert told is not None
    before = "resid_pre" in str(place.file)  # what a block is given is what the one before leaves
    assert spec.layer == int(told[1]) + (0 if before else 1)
    sources = {sae["neuronpedia"] for _, sae in found if "neuronpedia" in sae}
    assert spec.listing is not None
    assert all(f"neuronpedia:{source}" in spec.listing.labels for source in sources)
