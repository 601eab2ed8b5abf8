"""`fmt`: files tidied in place, or only looked at; one with errors is left alone."""

from tests.gateway.program import ROOT, Desk, Program

UNTIDY = "version: 1\nrules:\n  - when: created   # at once\n    id: late\n    then:\n      - tag:\n          add: [x,y]\n"
TIDY = "version: 1\nrules:\n  - id: late\n    when: created   # at once\n    then:\n      - tag: { add: [x, y] }\n"


def test_the_sample_desk_is_tidy(program: Program) -> None:
    done = program("-C", ROOT / "config", "fmt", "--check")
    assert (done.code, done.err) == (0, "")


def test_a_file_is_tidied_in_place_and_once_is_enough(program: Program, desk: Desk) -> None:
    desk.write("rules/20-late.yaml", UNTIDY)
    done = program("-C", desk, "fmt")
    assert (done.code, "1 of 3 files tidied." in done.out) == (0, True)
    assert (desk.folder / "rules/20-late.yaml").read_text(encoding="utf-8") == TIDY
    assert "3 files are tidy." in program("-C", desk, "fmt").out
    assert program("-C", desk, "fmt", "rules/20-late.yaml").out == "1 file is tidy.\n"


def test_looking_writes_nothing(program: Program, desk: Desk) -> None:
    desk.write("rules/20-late.yaml", UNTIDY)
    assert program("-C", desk, "fmt", "--check").code == 1
    shown = program("-C", desk, "fmt", "--diff", "rules/20-late.yaml")
    assert shown.code == 1
    assert "-  - when: created   # at once" in shown.out
    assert "+      - tag: { add: [x, y] }" in shown.out
    assert (desk.folder / "rules/20-late.yaml").read_text(encoding="utf-8") == UNTIDY
    assert program("-C", desk, "fmt", "--check", "rules/10-all.yaml").code == 0
    assert program("-C", desk, "fmt", "nowhere").code == 2
    lines = program("-C", desk, "--format", "json", "fmt", "--check").lines
    assert {one["file"]: one["outcome"] for one in lines}["rules/20-late.yaml"] == "untidy"


def test_a_file_with_errors_is_left_alone_and_the_others_are_not(program: Program, desk: Desk) -> None:
    desk.write("rules/20-late.yaml", UNTIDY)
    wrong = UNTIDY.replace("created", "creatd").replace("late", "later")
    desk.write("rules/30-wrong.yaml", wrong)
    done = program("-C", desk, "fmt")
    assert done.code == 1
    assert "rules/30-wrong.yaml:3: TG203 there is no event called 'creatd'" in done.err
    assert (desk.folder / "rules/30-wrong.yaml").read_text(encoding="utf-8") == wrong
    assert (desk.folder / "rules/20-late.yaml").read_text(encoding="utf-8") == TIDY


def test_a_file_of_no_version_is_raised_when_asked_to(program: Program, desk: Desk) -> None:
    desk.write("rules/20-late.yaml", TIDY.removeprefix("version: 1\n"))
    assert program("-C", desk, "fmt").code == 1
    assert program("-C", desk, "fmt", "--upgrade").code == 0
    assert (desk.folder / "rules/20-late.yaml").read_text(encoding="utf-8") == TIDY


def test_the_bundle_means_the_same_before_and_after(program: Program, desk: Desk) -> None:
    desk.write("rules/20-late.yaml", UNTIDY)
    before = program("-C", desk, "test").out.rpartition(" in ")[0]
    program("-C", desk, "fmt")
    assert program("-C", desk, "test").out.rpartition(" in ")[0] == before
    assert program("-C", desk, "check").code == 0
