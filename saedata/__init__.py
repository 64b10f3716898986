"""See what is in a pile of text before you trust it.

`embed` turns a corpus into a sparse frame, `open` opens one, and the analyses run on it: `diff` compares corpora,
`report` writes one HTML file for people. Heavy libraries are loaded where they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saedata.analysis.audit import audit
    from saedata.analysis.classify import classify
    from saedata.analysis.cluster import cluster
    from saedata.analysis.correlate import concept_groups, correlate, correlate_columns
    from saedata.analysis.coverage import coverage
    from saedata.analysis.diff import diff, findings, trend
    from saedata.analysis.document_scores import document_scores
    from saedata.analysis.feature import activation_histogram, cofiring, feature_documents
    from saedata.analysis.languages import languages
    from saedata.analysis.near_duplicates import near_duplicates
    from saedata.analysis.overlap import overlap
    from saedata.analysis.probe import probe
    from saedata.analysis.search import query_features, search
    from saedata.analysis.select import select
    from saedata.analysis.separability import concept_mask, separability
    from saedata.analysis.toxicity import toxic_spans, toxicity
    from saedata.concepts import choose_features
    from saedata.embedding import as_embeddings, embed
    from saedata.encoder_check import check_encoder
    from saedata.encoders import describe_encoder, list_encoders, load_encoder, load_sae
    from saedata.frame import Embeddings, verify
    from saedata.frame import open_frame as open  # noqa: A004
    from saedata.hygiene import feature_hygiene
    from saedata.hypothesising import hypotheses
    from saedata.labels.adopt import import_labels
    from saedata.labels.explain import label
    from saedata.labels.scores import score_labels
    from saedata.merging import merge_families
    from saedata.plots import save_chart
    from saedata.reports import report
    from saedata.sae.model import SAE
    from saedata.training import evaluate_sae, train

__version__ = "0.1.0"

_HOME = {
    "Embeddings": ("saedata.frame", "Embeddings"),
    "SAE": ("saedata.sae.model", "SAE"),
    "activation_histogram": ("saedata.analysis.feature", "activation_histogram"),
    "as_embeddings": ("saedata.embedding", "as_embeddings"),
    "audit": ("saedata.analysis.audit", "audit"),
    "check_encoder": ("saedata.encoder_check", "check_encoder"),
    "choose_features": ("saedata.concepts", "choose_features"),
    "classify": ("saedata.analysis.classify", "classify"),
    "cluster": ("saedata.analysis.cluster", "cluster"),
    "cofiring": ("saedata.analysis.feature", "cofiring"),
    "concept_groups": ("saedata.analysis.correlate", "concept_groups"),
    "concept_mask": ("saedata.analysis.separability", "concept_mask"),
    "correlate": ("saedata.analysis.correlate", "correlate"),
    "correlate_columns": ("saedata.analysis.correlate", "correlate_columns"),
    "coverage": ("saedata.analysis.coverage", "coverage"),
    "describe_encoder": ("saedata.encoders", "describe_encoder"),
    "diff": ("saedata.analysis.diff", "diff"),
    "document_scores": ("saedata.analysis.document_scores", "document_scores"),
    "embed": ("saedata.embedding", "embed"),
    "evaluate_sae": ("saedata.training", "evaluate_sae"),
    "feature_documents": ("saedata.analysis.feature", "feature_documents"),
    "feature_hygiene": ("saedata.hygiene", "feature_hygiene"),
    "findings": ("saedata.analysis.diff", "findings"),
    "hypotheses": ("saedata.hypothesising", "hypotheses"),
    "import_labels": ("saedata.labels.adopt", "import_labels"),
    "label": ("saedata.labels.explain", "label"),
    "languages": ("saedata.analysis.languages", "languages"),
    "list_encoders": ("saedata.encoders", "list_encoders"),
    "load_encoder": ("saedata.encoders", "load_encoder"),
    "load_sae": ("saedata.encoders", "load_sae"),
    "merge_families": ("saedata.merging", "merge_families"),
    "near_duplicates": ("saedata.analysis.near_duplicates", "near_duplicates"),
    "open": ("saedata.frame", "open_frame"),
    "overlap": ("saedata.analysis.overlap", "overlap"),
    "probe": ("saedata.analysis.probe", "probe"),
    "query_features": ("saedata.analysis.search", "query_features"),
    "report": ("saedata.reports", "report"),
    "save_chart": ("saedata.plots", "save_chart"),
    "score_labels": ("saedata.labels.scores", "score_labels"),
    "search": ("saedata.analysis.search", "search"),
    "select": ("saedata.analysis.select", "select"),
    "separability": ("saedata.analysis.separability", "separability"),
    "toxic_spans": ("saedata.analysis.toxicity", "toxic_spans"),
    "toxicity": ("saedata.analysis.toxicity", "toxicity"),
    "train": ("saedata.training", "train"),
    "trend": ("saedata.analysis.diff", "trend"),
    "verify": ("saedata.frame", "verify"),
}

__all__ = [
    "SAE",
    "Embeddings",
    "activation_histogram",
    "as_embeddings",
    "audit",
    "check_encoder",
    "choose_features",
    "classify",
    "cluster",
    "cofiring",
    "concept_groups",
    "concept_mask",
    "correlate",
    "correlate_columns",
    "coverage",
    "describe_encoder",
    "diff",
    "document_scores",
    "embed",
    "evaluate_sae",
    "feature_documents",
    "feature_hygiene",
    "findings",
    "hypotheses",
    "import_labels",
    "label",
    "languages",
    "list_encoders",
    "load_encoder",
    "load_sae",
    "merge_families",
    "near_duplicates",
    "open",
    "overlap",
    "probe",
    "query_features",
    "report",
    "save_chart",
    "score_labels",
    "search",
    "select",
    "separability",
    "toxic_spans",
    "toxicity",
    "train",
    "trend",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        msg = f"module 'saedata' has no attribute {name!r}"
        raise AttributeError(msg)
    module, attribute = _HOME[name]
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
