"""The compiled loops behind `neighbours`.

Everywhere a document is the ascending features ``features[pointers[d]:pointers[d + 1]]`` with their `values`, which are
empty where only on and off count. One document is written out into an array over all features; others are then held
against it with one look-up for each of their features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


@compiled
def own_totals(pointers: Array, features: Array, values: Array, marks: Array, weights: Array, mode: int) -> Array:
    """What each document shares with itself."""
    totals = np.zeros(len(pointers) - 1, np.float32)
    for doc in range(len(totals)):
        total = 0.0
        for at in range(pointers[doc], pointers[doc + 1]):
            if mode == 0:
                total += marks[features[at]]
            elif mode == 1:
                total += values[at] * weights[features[at]]
            else:
                total += (values[at] * weights[features[at]]) ** 2
        totals[doc] = total
    return totals


@compiled
def narrowed(pointers: Array, features: Array, values: Array, chosen: Array) -> tuple[Array, Array, Array]:
    """The same documents with some of the features (bool [features of the encoder])."""
    begins = np.zeros(len(pointers), np.int64)
    for doc in range(len(pointers) - 1):
        count = 0
        for at in range(pointers[doc], pointers[doc + 1]):
            count += chosen[features[at]]
        begins[doc + 1] = begins[doc] + count
    kept = np.empty(begins[-1], features.dtype)
    held = np.empty(begins[-1] if len(values) else 0, np.float32)
    place = 0
    for at in range(pointers[0], pointers[-1]):
        if chosen[features[at]]:
            kept[place] = features[at]
            if len(values):
                held[place] = values[at]
            place += 1
    return begins, kept, held


@compiled
def taken(pointers: Array, features: Array, values: Array, positions: Array) -> tuple[Array, Array, Array]:
    """Some of the documents, in the order given."""
    begins = np.zeros(len(positions) + 1, np.int64)
    for place in range(len(positions)):
        begins[place + 1] = begins[place] + pointers[positions[place] + 1] - pointers[positions[place]]
    kept = np.empty(begins[-1], features.dtype)
    held = np.empty(begins[-1] if len(values) else 0, np.float32)
    for place in range(len(positions)):
        first = pointers[positions[place]]
        for at in range(begins[place + 1] - begins[place]):
            kept[begins[place] + at] = features[first + at]
            if len(values):
                held[begins[place] + at] = values[first + at]
    return begins, kept, held


@compiled
def write_out(
    doc: int, pointers: Array, features: Array, values: Array, marks: Array, weights: Array, mode: int, page: Array
) -> None:
    """Write a document's features into the array over all features."""
    for at in range(pointers[doc], pointers[doc + 1]):
        feature = features[at]
        page[feature] = marks[feature] if mode == 0 else values[at] * weights[feature]


@compiled
def wipe(doc: int, pointers: Array, features: Array, page: Array) -> None:
    """Make the array over all features 0 again."""
    for at in range(pointers[doc], pointers[doc + 1]):
        page[features[at]] = 0


@compiled
def shared(doc: int, pointers: Array, features: Array, values: Array, weights: Array, mode: int, page: Array) -> float:
    """What a document shares with the one written out; four sums at a time, as each addition waits for the last."""
    begin, end = pointers[doc], pointers[doc + 1]
    if mode == 0:
        a, b, c, d = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        whole = begin + (end - begin) // 4 * 4
        for at in range(begin, whole, 4):
            a += page[features[at]]
            b += page[features[at + 1]]
            c += page[features[at + 2]]
            d += page[features[at + 3]]
        for at in range(whole, end):
            a += page[features[at]]
        return float((a + b) + (c + d))
    total = np.float32(0)
    for at in range(begin, end):
        mine = values[at] * weights[features[at]]
        theirs = page[features[at]]
        total += min(mine, theirs) if mode == 1 else mine * theirs
    return float(total)


@compiled
def similarity_from(both: float, mine: float, theirs: float, cosine: bool) -> float:  # noqa: FBT001
    """Similarity of two documents from what they share with each other and with themselves."""
    either = np.sqrt(mine * theirs) if cosine else mine + theirs - both
    return min(both / either, 1.0) if either > 0 else 0.0


@compiled
def keep_best(found: Array, similarities: Array, doc: int, similarity: float) -> None:
    """Put a document where it belongs among the nearest so far, which are in order; of equal ones the first stays."""
    last = len(found) - 1
    if similarity <= 0 or similarity < similarities[last]:
        return
    if similarity == similarities[last] and found[last] >= 0 and doc > found[last]:
        return
    for place in range(len(found)):
        if found[place] == doc:
            return
    place = last
    while place > 0 and (
        similarities[place - 1] < similarity or (similarities[place - 1] == similarity and found[place - 1] > doc)
    ):
        found[place], similarities[place] = found[place - 1], similarities[place - 1]
        place -= 1
    found[place], similarities[place] = doc, similarity


@compiled
def nearest_among(
    span: Array, candidates: Array, itself: Array, mine: Any, base: Any, found: Array, similarities: Array
) -> None:
    """Find the nearest of some candidates for the documents of a span.

    Parameters
    ----------
    span
        First document and the one after the last.
    candidates
        int32 [documents of the span, candidates], positions among the others; -1: none.
    itself
        Position of each document among the others, which is not its own neighbour; -1: it is not among them.
    mine, base
        The documents and the others: pointers, features, values, totals, marks, weights, mode, cosine.
    found, similarities
        [documents, neighbours]: filled here; -1 and 0 where there are no more.
    """
    pointers, features, values, totals, marks, weights, mode, cosine = mine
    others, their_features, their_values, their_totals = base[0], base[1], base[2], base[3]
    page = np.zeros(len(weights), np.float32)
    for doc in range(span[0], span[1]):
        write_out(doc, pointers, features, values, marks, weights, mode, page)
        for other in candidates[doc - span[0]]:
            if other >= 0 and other != itself[doc]:
                both = shared(other, others, their_features, their_values, weights, mode, page)
                alike = similarity_from(both, totals[doc], their_totals[other], cosine)
                keep_best(found[doc], similarities[doc], other, alike)
        wipe(doc, pointers, features, page)


@compiled
def nearest_of_all(
    span: Array, itself: Array, mine: Any, base: Any, postings: Any, found: Array, similarities: Array
) -> None:
    """Find the nearest of all others for the documents of a span, by walking through the postings of their features.

    `postings` are pointers, positions among the others, and what the feature is worth there; the rest is as in
    `nearest_among`.
    """
    pointers, features, values, totals, _, weights, mode, cosine = mine
    their_totals = base[3]
    begins, others, worth = postings
    both = np.zeros(len(their_totals), np.float32)
    for doc in range(span[0], span[1]):
        both[:] = 0
        for at in range(pointers[doc], pointers[doc + 1]):
            feature = features[at]
            own = weights[feature] if mode == 0 else values[at] * weights[feature]
            for cell in range(begins[feature], begins[feature + 1]):
                both[others[cell]] += own * worth[cell] if cosine else min(own, worth[cell])
        for other in range(len(both)):
            if both[other] > 0 and other != itself[doc]:
                alike = similarity_from(both[other], totals[doc], their_totals[other], cosine)
                keep_best(found[doc], similarities[doc], other, alike)


@compiled
def nearer_neighbours(span: Array, old: Array, reverse: Array, mine: Any, found: Array, similarities: Array) -> None:
    """Look for nearer documents among the neighbours of the neighbours of the documents of a span.

    Parameters
    ----------
    span
        First document and the one after the last.
    old
        int32 [documents, neighbours], as they are so far.
    reverse
        int32 [documents, some]: documents that have each among their neighbours; -1: no more.
    mine
        The documents, as in `nearest_among`.
    found, similarities
        A copy of what is known so far; changed in place.
    """
    pointers, features, values, totals, marks, weights, mode, cosine = mine
    page = np.zeros(len(weights), np.float32)
    seen = np.full(len(old), -1, np.int32)
    for doc in range(span[0], span[1]):
        write_out(doc, pointers, features, values, marks, weights, mode, page)
        seen[doc] = doc
        for other in old[doc]:
            if other >= 0:
                seen[other] = doc
        for way in range(2):
            middles = old[doc] if way == 0 else reverse[doc]
            for middle in middles:
                if middle < 0:
                    break
                for side in range(3):
                    row = old[middle] if side == 0 else reverse[middle]
                    for place in range(len(row) if side < 2 else 1):
                        other = row[place] if side < 2 else middle
                        if other < 0 or seen[other] == doc:
                            continue
                        seen[other] = doc
                        both = shared(other, pointers, features, values, weights, mode, page)
                        alike = similarity_from(both, totals[doc], totals[other], cosine)
                        keep_best(found[doc], similarities[doc], other, alike)
        wipe(doc, pointers, features, page)


@compiled
def project(
    span: Array, pointers: Array, features: Array, values: Array, weights: Array, basis: Array, out: Array
) -> None:
    """Multiply the documents of a span with a dense basis [features, dimensions]."""
    for doc in range(span[0], span[1]):
        row = out[doc]
        row[:] = 0
        for at in range(pointers[doc], pointers[doc + 1]):
            feature = features[at]
            value = weights[feature] * values[at] if len(values) else weights[feature]
            line = basis[feature]
            for dimension in range(len(row)):
                row[dimension] += value * line[dimension]


@compiled
def votes(found: Array, similarities: Array, cluster: Array, best: Array, share: Array) -> None:
    """Find the cluster that has most of each document's neighbours, weighted by similarity.

    Parameters
    ----------
    found, similarities
        Neighbours, -1 where there are no more.
    cluster
        Of each document that can be a neighbour; below 0: none, and then it has no vote.
    best, share
        Filled here: that cluster (of equal ones that of the nearer neighbour), -1 where there is none, and its share
        of all votes.
    """
    size = found.shape[1]
    names, weight = np.empty(size, np.int64), np.empty(size, np.float64)
    for doc in range(len(found)):
        count, total = 0, 0.0
        for place in range(size):
            other = found[doc, place]
            if other < 0 or cluster[other] < 0:
                continue
            at = 0
            while at < count and names[at] != cluster[other]:
                at += 1
            if at == count:
                names[count], weight[count] = cluster[other], 0.0
                count += 1
            weight[at] += similarities[doc, place]
            total += similarities[doc, place]
        best[doc], share[doc] = -1, 0.0
        for at in range(count):
            if weight[at] / total > share[doc]:
                best[doc], share[doc] = names[at], weight[at] / total


@compiled
def standing(found: Array, similarities: Array, cluster: Array, own: Array, second: Array) -> None:
    """How firmly each document stands in its cluster.

    Parameters
    ----------
    found, similarities
        Neighbours, -1 where there are no more.
    cluster
        Of each document; below 0: none.
    own
        Filled here: share of its neighbours, weighted by similarity, that are in its own cluster.
    second
        Filled here: the other cluster with most of its neighbours; -1: all the others are in none.
    """
    size = found.shape[1]
    names, weight = np.empty(size, np.int64), np.empty(size, np.float64)
    for doc in range(len(found)):
        count, total, mine = 0, 0.0, 0.0
        for place in range(size):
            other = found[doc, place]
            if other < 0:
                break
            name = cluster[other]
            total += similarities[doc, place]
            if name == cluster[doc]:
                mine += similarities[doc, place]
            elif name >= 0:
                at = 0
                while at < count and names[at] != name:
                    at += 1
                if at == count:
                    names[count], weight[count] = name, 0.0
                    count += 1
                weight[at] += similarities[doc, place]
        own[doc] = mine / total if total > 0 else 0.0
        second[doc] = -1
        most = 0.0
        for at in range(count):
            if weight[at] > most:
                second[doc], most = names[at], weight[at]


@compiled
def turned(found: Array, most: int) -> Array:
    """For each document some of those that have it among their neighbours, the first ones; -1: no more."""
    reverse = np.full((len(found), most), -1, np.int32)
    count = np.zeros(len(found), np.int32)
    for doc in range(len(found)):
        for other in found[doc]:
            if other >= 0 and count[other] < most:
                reverse[other, count[other]] = doc
                count[other] += 1
    return reverse
