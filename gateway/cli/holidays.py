"""`ticketgate holidays`: which public holidays the calendars stand on, frozen in a file of the desk so that no upgrade moves a deadline."""

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line, options

if TYPE_CHECKING:
    from gateway.freezing import Place


def add_to(app: typer.Typer) -> None:
    app.command("holidays")(holidays)


def holidays(
    context: typer.Context,
    freeze: Annotated[bool, typer.Option("--freeze", help="Write the years that are missing into rules/holidays.csv.")] = False,
    renew: Annotated[
        str | None,
        typer.Option("--renew", metavar="YEARS", help="Work these years out anew: 2027, or 2027-2030. Past verdicts in them may move."),
    ] = None,
) -> None:
    """Shows which holidays are frozen, and where the installed `holidays` package says otherwise. It changes nothing without an option."""
    from gateway.desk_texts import CONFIG, texts
    from gateway.freezing import places
    from rules.frozen import FILE, Strange

    chosen = options(context)
    anew = _years(renew) if renew else range(0)
    try:
        found = places(chosen.desk, texts(chosen.desk, chosen.config or chosen.desk / CONFIG, []))
    except Strange as error:
        raise Ended(Code.NOT_LOADED, f"{FILE}:{error.line}: {error}: {error.help}.") from None
    if freeze or renew:
        _write(chosen, found, anew, missing=freeze)
    _told(chosen, found)


def _years(text: str) -> range:
    first, dash, last = text.partition("-")
    years = [int(part) for part in ((first, last) if dash else (first,)) if part.isascii() and part.isdigit() and len(part) == 4]
    if len(years) != (2 if dash else 1) or years[-1] < years[0]:
        raise Ended(Code.USAGE, f"--renew {text}: write a year or two, 2027 or 2027-2030.")
    return range(years[0], years[-1] + 1)


def _write(chosen: Options, found: "list[Place]", anew: range, *, missing: bool) -> None:
    from gateway import whole_file
    from gateway.freezing import text_of
    from rules.frozen import FILE

    rows = [row for place in found for row in place.renewed({*anew, *(place.missing if missing else ())} & place.asked)]
    if not rows:
        raise Ended(Code.NO_SUCH, "No calendar of this desk names a country: there is nothing to freeze.")
    try:
        whole_file.put(chosen.desk / FILE, text_of(rows).encode())
    except OSError as error:
        raise Ended(Code.USAGE, f"{chosen.desk / FILE} cannot be written: {error.strerror}.") from None
    if not (chosen.as_json or chosen.quiet):
        typer.echo(f"Wrote {len(rows)} dates to {FILE}. Keep it with the rules; the daemon takes it over like any change of them.")
    raise Ended(Code.DONE)


def _told(chosen: Options, found: "list[Place]") -> None:
    if chosen.as_json:
        line(VERSION_LINE)
    for place in found:
        if chosen.as_json:
            other = [{"date": day, "name": name, "frozen": frozen} for day, name, frozen in place.differing]
            line({"type": "holidays", "country": place.country, "region": place.region, "missing": place.missing, "differing": other})
        else:
            _line(chosen, place)
    if not (found or chosen.as_json or chosen.quiet):
        typer.echo("No calendar of this desk names a country.")


def _line(chosen: Options, place: "Place") -> None:
    out = chosen.out()
    name = f"{place.country} {place.region}".strip()
    years = f"{min(place.asked)}-{max(place.asked)}" if place.asked else "no calendar asks for it"
    missing = place.missing
    said = "frozen" if not missing else "not frozen: " + (f"{missing[0]}-{missing[-1]}" if len(missing) > 1 else f"{missing[0]}")
    out.print(f"{name:<8} {years}: {said}", style=None if not missing else "yellow")
    for day, called, frozen in place.differing:
        out.print(
            f"{'':<8} {day} {called}: {'frozen, but no holiday' if frozen else 'not frozen, but a holiday'} by the package", style="yellow"
        )
    if missing and place.asked:
        out.print(f"{'':<8} freeze them with: {chosen.command('holidays --freeze')}")
