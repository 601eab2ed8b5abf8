"""`init --from CONNECTION`: the triggers that a system has already, as shadow rules in a file of their own."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line

if TYPE_CHECKING:
    from connectors.inventory import RemoteTrigger
    from gateway.desk import Loaded

PROGRAMS = "are programs, which its API gives out as such and nobody can translate faithfully."
WHY_NOT = {
    "jira": "Jira's public API does not give out its automation rules; export them there (Automation, Export) to have them beside you.",
    "servicenow": f"ServiceNow's business rules and flows {PROGRAMS}",
    "salesforce": f"Salesforce's flows {PROGRAMS}",
}


def taken_over(chosen: Options, name: str, *, force: bool) -> None:
    """Writes `rules/90-from-NAME.yaml` beside the desk's own rules. Ends with 7 where it is there already."""
    from gateway.cli.choosing import there
    from gateway.cli.connecting import connector, running_desk
    from gateway.importing import rule_file

    loaded = running_desk(chosen, reading=True)
    there(name, loaded.connections)
    _offered(loaded, name)
    path = loaded.folder / "rules" / f"90-from-{name}.yaml"
    if path.exists() and not force:
        raise Ended(Code.UNSAFE, f"{path} is already there; nothing was written. Say --force to write over it.")
    with connector(chosen, name, loaded) as system:
        found = system.triggers()
    text = rule_file(name, found, _taken(loaded, name))
    _fits(loaded, path, text)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    _said(chosen, path, found)


def _offered(loaded: "Loaded", name: str) -> None:
    """Ends with 2 for a system that does not give its automations out."""
    system = loaded.desk.connections[name]
    if system != "zendesk":
        why = WHY_NOT.get(system, f"A {system} system has none.")
        raise Ended(Code.USAGE, f"--from {name}: only triggers of Zendesk can be taken over. {why}")


def _taken(loaded: "Loaded", name: str) -> frozenset[str]:
    """The ids of the rules that other files of the desk have."""
    rulesets = loaded.bundle.rulesets if loaded.bundle else ()
    return frozenset(rule.id for ruleset in rulesets if ruleset.id != f"from-{name}" for rule in ruleset.rules)


def _fits(loaded: "Loaded", path: Path, text: str) -> None:
    """Ends with 3, and nothing written, where the desk with this file would not load."""
    from gateway.desk import holidays
    from gateway.desk_texts import CONFIG
    from rules.problems import errors, rendered
    from rules.reader import check

    where = path.relative_to(loaded.folder).as_posix()
    sources = {**{each: said for each, said in loaded.sources.items() if each != CONFIG}, where: text}
    found = errors(check(sources, loaded.desk, holidays)[1])
    if found:
        raise Ended(Code.NOT_LOADED, rendered(found, sources))


def _said(chosen: Options, path: Path, found: "Sequence[RemoteTrigger]") -> None:
    from gateway.importing import counted

    whole, partly, not_at_all = counted(found)
    if chosen.as_json:
        line(VERSION_LINE)
        for one in found:
            line({"type": "trigger", "title": one.title, "taken_over": one.acts, "left": list(one.left)})
        line({"type": "import", "file": str(path), "whole": whole, "partly": partly, "not": not_at_all})
        return
    out = chosen.out()
    for one in found:
        if one.left or not one.acts:
            out.print(f"{'in part' if one.acts else 'not taken over'}: {one.title}", style="yellow")
            for part in one.left:
                out.print(f"    {part}")
    out.print(f"Triggers: {whole} taken over, {partly} in part, {not_at_all} not. See {path}")
    out.print(f"The rules are in shadow mode. What they would do: {chosen.command('plan --since 24h')}")
