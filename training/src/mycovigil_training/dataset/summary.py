"""A curation's report in a few sentences, for the terminal and the datasheet."""

from collections.abc import Iterator
from typing import Any

MEBIBYTE = 2**20


def summary(report: dict[str, Any]) -> Iterator[str]:
    """Sentences on what was seen, left out and settled; folders of older versions say less."""
    yield (
        f"{report['seen']} photos seen, {report['kept']} kept; {len(report['undecodable'])} "
        f"undecodable, {len(report['duplicates'])} duplicates, {report['without_class']} without "
        f"a safety class, {report['misnamed']} with a suffix that is not their format"
    )
    if ignored := report.get("ignored"):
        yield f"{ignored} files that are no photos, or lie in folders of the system, were ignored"
    if "content_hash" not in report:
        return
    yield (
        f"{report['bytes_seen'] / MEBIBYTE:.1f} MiB became {report['bytes_kept'] / MEBIBYTE:.1f}, "
        f"at most {report['longer_side']} pixels a side; content {report['content_hash'][:16]}"
    )
    for kind, photos in sorted(report["kinds"].items()):
        yield f"{photos} photos of kind {kind} were kept: MYCOVIGIL_CURATION_LEAVE_OUT={kind}"
    for kind, photos in sorted(report["left_out"].items()):
        yield f"{photos} photos of kind {kind} were left out"
    for name, photos in report["trimmed"].items():
        yield f"{photos} photos of class {name} were left out: the most alike of more than wanted"
    for conflict in report["conflicts"]:
        found = ", ".join(f"{name} ({count})" for name, count in conflict["found"].items())
        yield (
            f"{conflict['species']} stood under {found}: taken as {conflict['settled']} "
            f"({conflict['source']})"
        )
    if report["merged_across"]:
        yield (
            f"{len(report['merged_across'])} duplicates bore another species or class than the "
            "photo that was kept: see merged_across in curation.json"
        )
    if report["alike_across"]:
        yield (
            f"{len(report['alike_across'])} pairs of two species are alike to the encoder "
            f"(cosine {report['alike_from']} or more): one mushroom under two names?"
        )
