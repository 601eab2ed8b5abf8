"""The YAML that is accepted: every row of section 3 with its code, and what comes close to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.nodes import Map, Scalar, Seq, at, key_at, plain, read
from rules.problems import Problem, rendered
from tests.costs import growth


def read_all(text):
    found: list[Problem] = []
    return read("rules/x.yaml", text, found), found


def codes(text):
    return [problem.code for problem in read_all(text)[1]]


def value(text):
    root, found = read_all(text)
    assert found == []
    return plain(root)


def nested(levels):
    return "[" * levels + "]" * levels


def aliases(uses):
    return "a: &a 1\n" + "".join(f"k{n}: *a\n" for n in range(uses))


def chain(depth):
    return "a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, depth + 1))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: b: c", "TG101"),
        ("a: 'x", "TG101"),
        ("a: [1, 2", "TG101"),
        ("a: {b: 1", "TG101"),
        ("a: @x", "TG101"),
        ("- a\nb: 1", "TG101"),
        ("a: *nobody", "TG101"),
        ("a: 1\n---\nb: 2\n", "TG101"),
        ("? [a]\n: b", "TG101"),
        ("{a: 1}}", "TG101"),
        ("a: 1\nb: 2\na: 3", "TG102"),
        ("a:\n\tb: 1", "TG103"),
        ("a: {\n\tb: 1}", "TG103"),
        ("a: 1\n\tb: 2", "TG103"),
        (aliases(101), "TG104"),
        (chain(11), "TG104"),
        ("a: &a [*a]", "TG104"),
        ("a: !!str 1", "TG105"),
        ("a: !mine {b: 1}", "TG105"),
        ("a: !secret x", "TG105"),
        (nested(33), "TG106"),
        (b"a: \xff", "TG106"),
        ("a: \ud800", "TG106"),
        ("a: \x01", "TG106"),
        ("a: " + "x" * 1024 * 1024, "TG106"),
        ("<<: {a: 1}", "TG108"),
    ],
)
def test_what_is_not_accepted_has_its_code(text, code):
    assert codes(text) == [code]


@pytest.mark.parametrize(
    "text",
    [
        "a: 'b: c'",
        "a: 1\nb: {a: 1}",
        'a: "x\\ty"',
        "a: |\n  x\n  \tindented text",
        "a:\t1",
        "# \t a comment\na: 1",
        aliases(100),
        chain(10),
        nested(32),
        "a: '!x'",
        "'<<': 1",
        "a: << ",
        "a: 1\n...\n",
        "---\na: 1\n",
        "\N{BYTE ORDER MARK}a: 1",
        "",
    ],
)
def test_what_comes_close_is_accepted(text):
    assert codes(text) == []


def test_a_bomb_of_aliases_is_refused_at_once():
    def bomb(levels):
        return "a: &a [x, x, x]\n" + "".join(f"{c}: &{c} [{', '.join(['*' + chr(ord(c) - 1)] * 9)}]\n" for c in "bcdefghij"[:levels])

    assert codes(bomb(9)) == ["TG104"]
    assert growth(lambda levels: codes(bomb(levels)), 3, by=3) < 9, (
        "by what is written, not by what it stands for: each level is nine times"
    )


def test_only_true_and_false_are_booleans_and_the_source_text_is_kept():
    root, _ = read_all("language: no\nversion: 1.10\ncode: 007\nat: 12:30\non: yes\nflag: true\nnothing: ~\nquoted: 'true'\n")
    assert plain(root) == {
        **{"language": "no", "version": 1.10, "code": 7, "at": "12:30", "on": "yes"},
        **{"flag": True, "nothing": None, "quoted": "true"},
    }
    assert plain(root, typed=False) == {
        **{"language": "no", "version": "1.10", "code": "007", "at": "12:30", "on": "yes"},
        **{"flag": "true", "nothing": None, "quoted": "true"},
    }


def test_every_node_knows_its_place_in_characters():
    root, _ = read_all("é: x\nlist:\n  - a\n  - {käse: 'ö', b: 2}\n")
    assert isinstance(root, Map)
    node = at(root, ("list", 1, "b"))
    assert (node.line, node.column, node.end_column) == (4, 20, 21)
    assert (at(root, ("list",)).line, at(root, ("nowhere", "x"))) == (3, root)
    assert (key_at(root, ("list", 1, "käse")).column, key_at(root, ("list",)).line) == (6, 2)


def test_a_tab_is_shown_as_an_arrow():
    text = "a:\n\tb: 1"
    shown = rendered(read_all(text)[1], {"rules/x.yaml": text})
    assert "2 | →b: 1" in shown
    assert "\t" not in shown


def test_a_second_key_names_the_first():
    (problem,) = read_all("a: 1\nb: 2\na: 3\n")[1]
    assert (problem.place.line, problem.related[0].place.line) == (3, 1)


def test_several_problems_of_one_file_are_found_together():
    assert codes("a: 1\na: 2\nb: !x 1\n<<: 3\n") == ["TG102", "TG105", "TG108"]


def test_a_thousand_rules_cost_what_their_length_does():
    rule = (
        "  - id: r{}\n    when: [created]\n    if: {{ product: {{ empty: false }}, tags: [a] }}\n    then:\n      - tag: {{ add: [x] }}\n"
    )

    def text(rules):
        return "version: 1\nrules:\n" + "".join(rule.format(n) for n in range(rules))

    root, found = read_all(text(1000))
    assert isinstance(root, Map)
    assert isinstance(root.get("rules"), Seq)
    assert found == []
    assert growth(lambda rules: read_all(text(rules)), 250) < 8


@given(st.text(alphabet=st.sampled_from("ab:-{}[],'\"|>&*!%@#?\n\t \\é\x00<~1"), max_size=60))
def test_nothing_is_ever_raised(text):
    root, found = read_all(text)
    assert root is not None or found
    rendered(found, {"rules/x.yaml": text})


@given(st.binary(max_size=40))
def test_no_bytes_raise(raw):
    root, found = read_all(raw)
    assert root is not None or found


def test_an_empty_file_is_an_empty_value():
    root, _ = read_all("# nothing here\n")
    assert isinstance(root, Scalar)
    assert root.is_null
