"""Which files go to a partner, and under which name."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.attaching import NAME_BYTES, fits, safe_name, sized
from rules.ticket import Attachment


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\evil.exe", "evil.exe"),
        ("a\x00b.png", "a b.png"),
        ("gnp.\u202eexe", "gnp. exe"),
        ("..", "file"),
        ("", "file"),
        ("what?.txt", "what_.txt"),
        ("line\nend.txt", "line end.txt"),
        (".bashrc", "bashrc"),
    ],
)
def test_a_name_is_made_safe(given_name: str, safe: str) -> None:
    assert safe_name(given_name) == safe


@given(st.text(max_size=400))
@example("0000" + "\U0001d400" * 28 + " " + "\U0001d400")
@example("x ." + "y" * 200)
def test_every_name_is_safe_short_and_stays_as_it_is_the_second_time(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert len(safe.encode()) <= NAME_BYTES
    assert not set(safe) & set('/\\\x00\r\n"<>:|?*')
    assert not safe.startswith(".")
    assert safe_name(safe) == safe


def test_a_long_name_keeps_its_ending() -> None:
    assert safe_name("ä" * 300 + ".pdf").endswith("ä.pdf")


@pytest.mark.parametrize(
    ("types", "name", "kind", "fit"),
    [
        ((), "a.exe", None, True),
        (("image/*",), "a.png", "image/png; charset=x", True),
        (("image/*",), "a.png", None, False),
        ((".log",), "A.LOG", None, True),
        (("application/pdf",), "a.pdf", "application/pdf", True),
        (("application/pdf", ".txt"), "a.exe", "application/x-msdownload", False),
    ],
)
def test_types_go_by_the_declared_type_or_the_end_of_the_name(types: tuple[str, ...], name: str, kind: str | None, fit: bool) -> None:
    file = Attachment(id="1", name=name, at=datetime(2026, 3, 2, tzinfo=UTC), public=True, type=kind)
    assert fits(file, types) is fit


def test_sizes_are_said_as_people_say_them() -> None:
    assert [sized(n) for n in (17, 2048, 20 * 1024 * 1024, 1536 * 1024)] == ["17 bytes", "2 KB", "20 MB", "1.5 MB"]
