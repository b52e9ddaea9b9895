"""Which pages are saved, and which store is the newer one."""

from __future__ import annotations

import pytest

from connector.domain.device_state import (
    MARK_SIZE,
    Choice,
    Head,
    Known,
    Manifest,
    NotAManifest,
    changed,
    choose,
    digest,
    hash_of,
    mark,
    moved_on,
)

OURS, THEIRS = "our copy", "their copy"


def saved_by(
    lineage: str, generation: int, *, complete: bool = False
) -> tuple[Head, Manifest]:
    manifest = Manifest(
        generation=generation,
        lineage=lineage,
        page_size=4096,
        page_count=1,
        digest=bytes(32),
        complete=complete,
    )
    return Head(generation=generation, manifest=b"sealed"), manifest


def knows(generation: int) -> Known:
    return Known(lineage=OURS, generation=generation, marks=b"")


@pytest.mark.parametrize(
    ("local", "known", "saved", "choice"),
    [
        (None, None, None, Choice.LOCAL),
        (OURS, None, None, Choice.LOCAL),
        # An empty machine.
        (None, None, saved_by(THEIRS, 7), Choice.SAVED),
        # A restart; one that was killed between a save and its note.
        (OURS, knows(7), saved_by(OURS, 7), Choice.LOCAL),
        (OURS, knows(6), saved_by(OURS, 7), Choice.LOCAL),
        (OURS, None, saved_by(OURS, 7), Choice.LOCAL),
        # An old copy of the folder was put back.
        (OURS, knows(5), saved_by(OURS, 7), Choice.SAVED),
        # It ran elsewhere meanwhile.
        (OURS, knows(6), saved_by(THEIRS, 7), Choice.SAVED),
        (OURS, None, saved_by(THEIRS, 7), Choice.SAVED),
        # Restored here, and not changed since.
        (OURS, knows(7), saved_by(THEIRS, 7), Choice.LOCAL),
        # An old backup of Postgres was put back.
        (OURS, knows(9), saved_by(THEIRS, 7), Choice.LOCAL),
        # Logged out elsewhere; linked anew here since; nothing here at all.
        (OURS, knows(6), (Head(generation=7, manifest=None), None), Choice.NOTHING),
        (OURS, None, (Head(generation=7, manifest=None), None), Choice.LOCAL),
        (None, None, (Head(generation=7, manifest=None), None), Choice.LOCAL),
    ],
)
def test_the_newer_of_both_is_run(
    local: str | None,
    known: Known | None,
    saved: tuple[Head, Manifest | None] | None,
    choice: Choice,
) -> None:
    head, manifest = saved or (None, None)

    assert choose(local, known, head, manifest) is choice


def test_only_changed_new_and_unknown_pages_are_saved() -> None:
    before = [hash_of(b"a"), hash_of(b"b")]
    marks = moved_on(b"", before, [0, 1], 1)
    after = [hash_of(b"a"), hash_of(b"B"), hash_of(b"c")]

    assert changed(b"", before) == [0, 1]
    assert changed(marks, before) == []
    assert changed(marks, after) == [1, 2]


def test_a_page_keeps_the_generation_that_brought_it() -> None:
    marks = moved_on(b"", [hash_of(b"a"), hash_of(b"b")], [0, 1], 1)

    moved = moved_on(marks, [hash_of(b"a"), hash_of(b"B")], [1], 2)
    shrunk = moved_on(moved, [hash_of(b"a")], [], 3)

    assert moved == mark(1, b"a") + mark(2, b"B")
    assert shrunk == mark(1, b"a")


def test_a_manifest_vouches_for_these_pages_of_these_generations_only() -> None:
    marks = mark(1, b"a") + mark(2, b"b")
    _, manifest = saved_by(OURS, 2)
    whole = Manifest.decode(
        Manifest(
            generation=2,
            lineage=OURS,
            page_size=manifest.page_size,
            page_count=2,
            digest=digest(marks),
            complete=True,
        ).encode()
    )

    assert whole.complete
    assert whole.vouches_for(marks)
    for other in (
        mark(1, b"a"),  # one is missing
        mark(2, b"b") + mark(1, b"a"),  # exchanged
        mark(1, b"a") + mark(1, b"b"),  # put back from an earlier save
        marks + mark(2, b"c"),
    ):
        assert not whole.vouches_for(other)
    assert len(marks) == 2 * MARK_SIZE


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[]", b"null", saved_by(OURS, 1)[1].encode()[:-9]]
)
def test_what_is_no_manifest_is_refused(text: bytes) -> None:
    with pytest.raises(NotAManifest):
        Manifest.decode(text)


def test_a_manifest_without_pages_or_with_absurd_ones_is_refused() -> None:
    text = saved_by(OURS, 1)[1].encode()

    for wrong in (b'"page_count": 0', b'"page_count": 99999999'):
        with pytest.raises(NotAManifest):
            Manifest.decode(text.replace(b'"page_count": 1', wrong))
