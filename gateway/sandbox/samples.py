"""Believable tickets in six languages from a seed: equal seeds give equal tickets, wherever and whenever they are made."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random

from connectors.sandbox import AGENTS, GROUPS, Clock, Deed, Sample
from rules.ticket import replace

TEAMS = tuple(group for group in GROUPS if group != "trust-and-safety")  # what is there was restricted
LANGUAGES = ("en", "de", "fr", "es", "pt", "ja")
VIPS = ("Northwind", "Contoso", "Fabrikam")
OTHERS = ("Adatum", "Litware", "Proseware", "Tailspin", "Wingtip", None, None)
TIERS = {"Northwind": "platinum", "Contoso": "gold", "Adatum": "gold", "Litware": "silver", "Proseware": "bronze"}
"""What a contract says of its customer's tier; Adatum is no VIP by its name."""
PEOPLE = {
    "en": ("Ana Lima", "Tom Baker", "Grace Okafor", "Priya Nair", "Owen Clarke"),
    "de": ("Jürgen Weiß", "Anke Schröder", "Mia Köhler", "Uwe Brandt"),
    "fr": ("Chloé Lefèvre", "Hugo Bernard", "Inès Girard", "Noël Perrin"),
    "es": ("Lucía Núñez", "Mateo Ibáñez", "Sofía Peña", "Íñigo Vidal"),
    "pt": ("João Conceição", "Beatriz Falcão", "Rui Guimarães", "Inês Sequeira"),
    "ja": ("佐藤 花子", "鈴木 健", "高橋 美咲", "田中 翔"),
}
MONTHS = {"de": "Februar"}
ROBOTS = (("Mail Delivery Subsystem", "mailer-daemon@example.org"), ("No Reply", "no-reply@alerts.example.org"))
CHANNELS = ("email", "email", "email", "web", "web", "portal", "chat", "phone", "api")
PRIORITIES = ("low", "normal", "normal", "normal", "high", "high", "urgent")
STATUSES = ("new", "new", "new", "open", "open", "pending", "on_hold", "resolved", "closed")


@dataclass(frozen=True, slots=True)
class Matter:
    """What somebody may write about, with `{n}`, `{code}`, `{amount}`, `{hour}` and `{month}` to be filled in."""

    product: str
    type: str
    language: str
    subject: str
    body: str


@lru_cache(maxsize=1)
def matters() -> tuple[Matter, ...]:
    """All that people of these samples write about."""
    with Path(__file__).with_name("matters.csv").open(encoding="utf-8", newline="") as lines:
        return tuple(Matter(**row) for row in csv.DictReader(lines))


def samples(seed: int, count: int, now: datetime, system: str) -> list[Sample]:
    """`count` tickets made during the fortnight before `now`, oldest first; each system has others.

    Among them are VIP customers, robots, tickets without a product, tickets made at night, and every type, status, priority and language.
    """
    dice = Random(f"{seed}/{system}")  # noqa: S311  # samples, not secrets
    ages = sorted((dice.uniform(1, 14 * 24 * 60) for _ in range(count)), reverse=True)
    return [_sample(dice, now - timedelta(minutes=age), n) for n, age in enumerate(ages, 1)]


def a_new_one(dice: Random, now: datetime) -> Sample:
    """A ticket that somebody writes this moment."""
    return replace(_sample(dice, now, dice.randrange(10_000, 99_999)), status="new", group=None, assignee=None, updated_at=None)


def _sample(dice: Random, at: datetime, n: int) -> Sample:
    at = at.replace(microsecond=0)
    matter = dice.choice(matters())
    status = dice.choice(STATUSES)
    taken = status != "new"
    sample = Sample(
        subject=_filled(matter.subject, dice, matter.language),
        body=_filled(matter.body, dice, matter.language),
        created_at=at,
        language=matter.language,
        type=matter.type,
        status=status,
        priority=None if dice.random() < 0.05 else _priority(dice, matter.type),
        product=None if dice.random() < 0.08 else matter.product,
        channel=dice.choice(CHANNELS),
        group=dice.choice(TEAMS) if taken and dice.random() < 0.6 else None,
        assignee=dice.choice(AGENTS)[1] if taken and dice.random() < 0.6 else None,
        tags=(matter.product, *(("engineering",) if matter.type == "bug" and dice.random() < 0.4 else ())),
    )
    return _automated(sample, dice) if dice.random() < 0.06 else _by_somebody(sample, dice, n)


def _priority(dice: Random, type: str) -> str:
    return dice.choice(PRIORITIES if type in ("incident", "bug") else PRIORITIES[:4])


def _by_somebody(sample: Sample, dice: Random, n: int) -> Sample:
    name = dice.choice(PEOPLE[sample.language])
    organization = dice.choice(VIPS if dice.random() < 0.12 else OTHERS)
    place = (organization or "mail").lower()
    email, tier = f"{sample.language}{n}@{place}.example.com", TIERS.get(organization or "")
    return replace(sample, requester=name, organization=organization, email=email, tier=tier)


def _automated(sample: Sample, dice: Random) -> Sample:
    """A bounce or an automatic reply: a robot wrote it, and nobody must answer."""
    name, email = dice.choice(ROBOTS)
    subject = f"Automatic reply: {sample.subject}" if "no-reply" in email else f"Undelivered Mail Returned to Sender: {sample.subject}"
    return replace(
        sample, requester=name, email=email, organization=None, subject=subject, type="question", channel="email", priority="low"
    )


def _filled(text: str, dice: Random, language: str) -> str:
    amount = f"{dice.randrange(9, 900)}.{dice.randrange(100):02d}"
    month = MONTHS.get(language, "February")
    return text.format(
        n=dice.randrange(100, 9999), code=dice.choice((402, 409, 500, 503)), amount=amount, hour=dice.randrange(6, 12), month=month
    )


REPLIES = {
    "en": ("It still does not work.", "Is there any news?", "Thank you, that has settled it."),
    "de": ("Es geht immer noch nicht.", "Gibt es schon etwas Neues?", "Danke, das hat geholfen."),
    "fr": ("Cela ne marche toujours pas.", "Y a-t-il du nouveau ?", "Merci, c'est réglé."),
    "es": ("Sigue sin funcionar.", "¿Hay novedades?", "Gracias, ya está resuelto."),
    "pt": ("Continua sem funcionar.", "Há novidades?", "Obrigado, ficou resolvido."),
    "ja": ("まだ直りません。", "その後いかがでしょうか。", "ありがとうございます。解決しました。"),
}
NOTES = ("Reproduced on the test account.", "Asked the second line to have a look.", "Looks like the release of this morning.")


def conversation(seed: int, clock: Clock, tickets: Mapping[str, str], *, system: str) -> Iterator[Deed]:
    """What people do to a system, one deed after another and without end.

    New tickets (made at the clock's moment), customers' replies, agents' replies and notes, changes of status and priority. `tickets` names
    the language of each ticket by its key; it may grow while deeds are taken, so that people act on what was made meanwhile.
    """
    dice = Random(f"{seed}/{system}/conversation")  # noqa: S311  # samples, not secrets
    while True:
        if not tickets or dice.random() < 0.35:
            yield Deed(kind="create", by="customer", sample=a_new_one(dice, clock()))
        else:
            key = dice.choice(list(tickets)[-60:])
            yield _deed(dice, key, tickets[key])


def _deed(dice: Random, key: str, language: str) -> Deed:
    match dice.randrange(6):
        case 0 | 1:
            return Deed(kind="reply", key=key, by="customer", text=dice.choice(REPLIES[language]))
        case 2:
            return Deed(kind="reply", key=key, text="We are looking into it and will be back within the hour.")
        case 3:
            return Deed(kind="note", key=key, text=dice.choice(NOTES))
        case 4:
            return Deed(kind="set", key=key, fields={"status": dice.choice(("open", "pending", "resolved"))})
    return Deed(kind="set", key=key, fields={"priority": dice.choice(("low", "normal", "high"))})
