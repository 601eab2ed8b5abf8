"""`holidays`: what the calendars stand on is shown, frozen and renewed."""

from pathlib import Path

from tests.gateway.program import Desk, Program

OFFICE = """version: 1
calendars:
  office: { timezone: Europe/Berlin, open: { mon-fri: "09:00-17:00" }, holidays: { country: DE, region: BY, years: 2026-2027 } }
sla_policies:
  all: { applies_to: { type: incident }, calendar: office, targets: { normal: { resolution: 1d } } }
"""


def file(desk: Desk) -> Path:
    return desk.folder / "rules/holidays.csv"


def test_holidays_are_frozen_shown_and_renewed(program: Program, desk: Desk) -> None:
    desk.write("rules/05-office.yaml", OFFICE)
    assert "not frozen: 2026-2027" in program("-C", desk, "holidays").out
    assert not file(desk).exists()

    assert program("-C", desk, "holidays", "--freeze").code == 0
    assert "DE,BY,2026-01-06,Epiphany\n" in file(desk).read_text(encoding="utf-8")
    assert program("-C", desk, "check").code == 0

    file(desk).write_text(
        file(desk).read_text(encoding="utf-8").replace("DE,BY,2026-01-06,Epiphany\n", "DE,BY,2026-01-07,Our own\n"), encoding="utf-8"
    )
    (row,) = [one for one in program("-C", desk, "--format", "json", "holidays").lines if one["type"] == "holidays"]
    assert (row["missing"], [(d["date"], d["frozen"]) for d in row["differing"]]) == ([], [("2026-01-06", False), ("2026-01-07", True)])

    program("-C", desk, "holidays", "--renew", "2027")
    assert "2026-01-07,Our own" in file(desk).read_text(encoding="utf-8")
    program("-C", desk, "holidays", "--renew", "2026-2027")
    assert "Our own" not in file(desk).read_text(encoding="utf-8")


def test_what_cannot_be_frozen_is_said(program: Program, desk: Desk) -> None:
    assert "nothing to freeze" in program("-C", desk, "holidays", "--freeze").err
    assert program("-C", desk, "holidays", "--renew", "next year").code == 2
    desk.write("rules/05-office.yaml", OFFICE)
    file(desk).write_text("rubbish\n", encoding="utf-8")
    done = program("-C", desk, "holidays")
    assert done.code == 3
    assert "rules/holidays.csv:1" in done.err
