"""fmt: keys in order, short maps on one line, comments where they were, and never another meaning."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.nodes import read
from rules.reader import check
from rules.tidy import Unreadable, meaning, tidied
from tests.rules.eight_rules import FILES
from tests.rules.rule_files import DESK, holidays

UNTIDY = """# what this file is for
rules:
  # the first rule
  - when:
      changed:
        field: status
        to: open   
    # why it is limited
    limits:
      per_ticket: 1

    id: a
    then:
      - tag:
          add: [x,y]
          remove:
            - z, or more
      - note: {text: "It is {{ ticket.subject }}",}
    name: First   # said by Ana
    if:
      any:
        - priority:
            at_least: high
        - tags: {contains: vip}

  - then: [{stop: ticket}]
    id: b
    when: created
version: 1
lists:
  # two of them
  names:
    values: [a, b]
"""
TIDY = """# what this file is for
version: 1
rules:
  # the first rule
  - id: a
    name: First   # said by Ana

    when: { changed: { field: status, to: open } }
    if:
      any:
        - priority: { at_least: high }
        - tags: { contains: vip }
    then:
      - tag: { add: [x, y], remove: ["z, or more"] }
      - note: { text: "It is {{ ticket.subject }}" }
    # why it is limited
    limits: { per_ticket: 1 }

  - id: b
    when: created
    then: [{ stop: ticket }]
lists:
  # two of them
  names:
    values: [a, b]
"""


def said(text):
    return meaning(read("x.yaml", text, []))


def test_an_untidy_file_becomes_tidy():
    assert tidied("rules/x.yaml", UNTIDY) == TIDY
    assert tidied("rules/x.yaml", TIDY) == TIDY
    assert said(UNTIDY) == said(TIDY)


@pytest.mark.parametrize("file", sorted(file for file in FILES if file.endswith(".yaml")))
def test_a_tidy_file_stays_as_it_is(file):
    once = tidied(file, FILES[file])
    assert tidied(file, once) == once
    assert said(once) == said(FILES[file])


@pytest.mark.parametrize(
    "body",
    [
        "lists: { l: { values: &v [a] }, m: { values: *v } }\n",
        "rules:\n  - then: [{ tag: &t { add: [x] } }]\n    id: a\n    when: created\n  - { id: b, when: closed, then: [{ tag: *t }] }\n",
        "rules:\n  - then:\n      - note:\n          text: |\n            One   \n            two\n    id: a\n    when: created\n",
        "rules:\n  - then:\n      - note:\n          text: >-\n            One\n\n            two\n    id: a\n    when: created\n",
        'rules:\n  - then: [{ note: { text: "One\n      two" } }]\n    id: a\n    when: created\n',
        "rules:\n- then:\n  - tag:\n      add:\n      - x\n  id: a\n  when: created\n",
        "rules:\n  - {when: created, id: a, then: [{tag: {add: [x]}}]}\n",
        "conditions:\n  c:\n    subject:\n      contains: 'it''s, well'\n    body:\n      is: null\n",
        "rules:\n  -\n    when: created\n    id: a\n    then: [{ stop: ticket }]\n",
        "calendars:\n  c:\n    timezone: Europe/Berlin\n    open:\n      mon-fri: 09:00-17:00   # short days\n",
    ],
)
def test_odd_forms_keep_their_meaning(body):
    text = f"version: 1\n{body}"
    once = tidied("rules/x.yaml", text)
    assert said(once) == said(text)
    assert tidied("rules/x.yaml", once) == once
    before, after = (check({**FILES, "rules/95-x.yaml": one}, DESK, holidays)[0] for one in (text, once))
    assert (before is None) is (after is None)


def test_a_comment_in_a_map_keeps_it_open():
    text = "version: 1\nconditions:\n  c:\n    priority:\n      # never for the small ones\n      at_least: high\n"
    assert tidied("x.yaml", text) == text


def test_a_map_that_does_not_fit_stays_open():
    words = ", ".join(f"word{n}" for n in range(10))
    text = f"version: 1\nconditions:\n  c:\n    subject:\n      contains_any: [{words}]\n"
    assert tidied("x.yaml", text) == text


@pytest.mark.parametrize("text", ["rules: [", "version: 1\na: 1\na: 2\n", "", "- x\n", "version: 1\n\tx: 1\n"])
def test_a_file_that_cannot_be_read_is_left_alone(text):
    with pytest.raises(Unreadable):
        tidied("x.yaml", text)


# --- the law ---------------------------------------------------------------------------------------------------------

SCALARS = st.sampled_from(
    ["a", "x, y", "'it''s'", '"q: #"', "3", "true", "null", "a b", "it's", "[1]", "- x", "{{ y }}", "", "ü", "1:30", "end:"]
)


@st.composite
def maps(draw, depth=2, indent=4):
    """A map in block style, with comments and blank lines here and there, each key once."""
    lines = []
    for number in range(draw(st.integers(1, 3))):
        lines += draw(st.sampled_from([[], [], ["# a comment"], [""], ["# one", "", "# two"]]))
        form = draw(st.sampled_from(["scalar", "list", "map"] if depth else ["scalar", "list"]))
        key = f"k{number}"
        if form == "scalar":
            value = draw(SCALARS)
            quoted = value[:1] in "'\"" or not value or value in ("a", "3", "true", "null", "a b", "it's", "ü", "1:30")
            lines.append(f"{key}: {value}" if quoted else f"{key}: '{value}'")
        elif form == "list":
            lines.append(f"{key}: [{draw(st.sampled_from(['a', 'a,b', ' a , b ', '']))}]")
        else:
            lines += [f"{key}:", *(f"  {line}" if line else "" for line in draw(maps(depth=depth - 1)))]
    return lines


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(maps(), st.randoms(use_true_random=False), st.booleans())
def test_it_is_done_after_once_and_says_the_same(below, dice, commented):
    keys = [["id: a"], ["when: created"], ["then:", "  - note:", *(f"      {line}" if line else "" for line in below)], ["name: N"]]
    dice.shuffle(keys)
    lines = [line for part in keys for line in (["# about it", *part] if commented else part)]
    while lines[0].startswith("#"):
        lines.pop(0)
    text = "version: 1\nrules:\n  - " + lines[0] + "\n" + "".join(f"    {line}\n" if line else "\n" for line in lines[1:])
    if read("x.yaml", text, problems := []) is None or problems:
        return
    once = tidied("rules/x.yaml", text)
    assert said(once) == said(text)
    assert tidied("rules/x.yaml", once) == once
    assert sorted(line.strip() for line in once.splitlines() if line.strip().startswith("#")) == sorted(
        line.strip() for line in text.splitlines() if line.strip().startswith("#")
    )


@pytest.mark.parametrize("seed", range(20))
def test_the_keys_of_the_eight_rules_are_found_in_any_order(seed):
    """Each rule's own blocks shuffled: the same file comes of it, but for where blank lines went."""
    dice = random.Random(seed)
    file = dice.choice(["rules/30-routing.yaml", "rules/40-escalation.yaml", "rules/90-tidy.yaml", "rules/20-protect.yaml"])
    tidy = tidied(file, FILES[file])
    lines, blocks, made = tidy.splitlines(), [], []
    for line in lines:
        starts = line.startswith("  - ") or (line.startswith("    ") and line[4] not in " #-")
        if (starts and blocks) or line.startswith("  - "):
            blocks.append([line])
        elif blocks:
            blocks[-1].append(line)
        else:
            made.append(line)
    rules = []
    for block in blocks:
        if block[0].startswith("  - "):
            rules.append([])
        rules[-1].append([f"    {block[0][4:]}", *block[1:]])
    for rule in rules:
        dice.shuffle(rule)
        flat = [line for block in rule for line in block]
        made += [f"  - {flat[0][4:]}", *flat[1:]]
    shuffled = "\n".join(made) + "\n"
    again = tidied(file, shuffled)
    assert [line for line in again.splitlines() if line.strip()] == [line for line in tidy.splitlines() if line.strip()]
