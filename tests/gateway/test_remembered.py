"""What `check` remembers: only what is still true, for its owner alone, and never needed."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from gateway.checking import FILE, found_in
from gateway.remembered import Findings, Memory, Notes, digest, ours
from rules.condition_tree import Place
from rules.problems import Problem

CONFIG = "version: 1\nconnections:\n  desk: { system: memory, url: 'memory:' }\n"
RULES = "version: 1\nrules:\n  - { id: first, when: created, then: [{ tag: { add: [seen] } }] }\n"
TOLD = Findings((Problem(code="TG999", message="remembered", place=Place("rules/10-rules.yaml", 1)),), 1, True)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "ticketgate.yaml").write_text(CONFIG)
    (tmp_path / "rules" / "10-rules.yaml").write_text(RULES)
    return tmp_path


def codes(desk: Path) -> list[str]:
    return [problem.code for problem in found_in(desk).problems]


def remembering(desk: Path, told: Findings = TOLD) -> Path:
    """The desk's file, with something in it that no look at the desk would give."""
    memory = Memory.of(desk / FILE)
    memory.keep(digest(dict(found_in(desk).sources)), told)
    return desk / FILE


def test_the_same_texts_are_looked_at_once(desk: Path) -> None:
    remembering(desk)

    assert codes(desk) == ["TG999"]


def test_what_is_remembered_is_what_was_found(desk: Path) -> None:
    (desk / "rules" / "20-more.yaml").write_text(RULES.replace("first", "other") + "  - { id: second, whem: created }\n")

    first, second = found_in(desk), found_in(desk)

    assert first.problems
    assert second == first


def edited(desk: Path) -> None:
    (desk / "rules" / "10-rules.yaml").write_text(RULES + "# one byte more counts\n")


def added(desk: Path) -> None:
    (desk / "rules" / "20-more.yaml").write_text("version: 1\n")


def renamed(desk: Path) -> None:
    (desk / "rules" / "10-rules.yaml").rename(desk / "rules" / "11-rules.yaml")


def removed(desk: Path) -> None:
    (desk / "rules" / "10-rules.yaml").unlink()


def of_other_code(desk: Path) -> None:
    notes = msgspec.json.decode((desk / FILE).read_bytes(), type=Notes)
    notes.code = "0" * 64
    (desk / FILE).write_bytes(msgspec.json.encode(notes))


def half(desk: Path) -> None:
    (desk / FILE).write_bytes((desk / FILE).read_bytes()[:-40])


def no_text(desk: Path) -> None:
    (desk / FILE).write_bytes(b'{"code": "\xff"}')


def of_another_shape(desk: Path) -> None:
    (desk / FILE).write_text('{"code": 7}')


def gone(desk: Path) -> None:
    (desk / FILE).unlink()


def a_folder(desk: Path) -> None:
    (desk / FILE).unlink()
    (desk / FILE).mkdir()


@pytest.mark.parametrize("change", [edited, added, renamed, removed, of_other_code, half, no_text, of_another_shape, gone, a_folder])
def test_whatever_changed_is_looked_at_anew(desk: Path, change: Callable[[Path], None]) -> None:
    remembering(desk)

    change(desk)

    assert "TG999" not in codes(desk)


def test_a_desk_whose_folder_keeps_nothing_is_checked_all_the_same(desk: Path) -> None:
    (desk / ".ticketgate").write_text("not a folder")

    assert found_in(desk) == found_in(desk)


def test_the_file_is_for_its_owner_alone(desk: Path) -> None:
    found_in(desk)

    assert (desk / FILE).stat().st_mode & 0o777 == 0o600
    assert (desk / FILE).parent.stat().st_mode & 0o777 == 0o700


def test_a_file_that_cannot_be_read_is_tried_again_each_time(desk: Path) -> None:
    (desk / "rules" / "20-more.yaml").symlink_to(desk / "nowhere.yaml")

    assert "TG106" in codes(desk)
    (desk / "nowhere.yaml").write_text("version: 1\n")
    assert "TG106" not in codes(desk)


def test_what_a_connector_of_your_own_says_is_asked_again_each_time(desk: Path) -> None:
    (desk / "ticketgate.yaml").write_text(CONFIG.replace("memory", "connectors.memory:MemoryConnector"))

    found_in(desk)

    assert not (desk / FILE).exists()


def test_a_message_about_bytes_that_are_no_text_does_no_harm(desk: Path) -> None:
    (desk / "rules" / "10-rules.yaml").write_bytes(RULES.encode() + b"# \xff\n")

    assert codes(desk) == codes(desk) == ["TG106"]


def test_holidays_are_remembered_over_an_edit_and_only_those_still_asked_for(desk: Path) -> None:
    calendar = "version: 1\ncalendars:\n  office: {{ timezone: UTC, open: {{ mon-fri: '09:00-17:00' }}, holidays: {{ country: {} }} }}\n"
    (desk / "rules" / "20-hours.yaml").write_text(calendar.format("DE"))
    found_in(desk)
    told = msgspec.json.decode((desk / FILE).read_bytes(), type=Notes).holidays
    assert [name.partition("|")[0] for name in told] == ["DE"]

    (desk / "rules" / "20-hours.yaml").write_text(calendar.format("FR"))
    found_in(desk)

    told = msgspec.json.decode((desk / FILE).read_bytes(), type=Notes).holidays
    assert [name.partition("|")[0] for name in told] == ["FR"]


def test_names_and_contents_are_told_apart() -> None:
    assert len({digest(texts) for texts in ({"a": "bc"}, {"ab": "c"}, {"a": "b", "c": ""}, {"a": "", "b": "c"}, {})}) == 5


def test_the_program_is_known_by_every_file_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "rules" / "deep" / "engine.py"
    file.parent.mkdir(parents=True)
    file.write_text("one")
    os.utime(file, ns=(1, 1))
    first = ours(tmp_path)

    os.utime(file, ns=(1, 2))
    second = ours(tmp_path)
    file.with_name("more.py").write_text("")

    assert len({first, second, ours(tmp_path)}) == 3
    assert ours(tmp_path) == ours(tmp_path)
