"""Every way in that a system still allows, through its SDK's own session: right, wrong, run out between pages, revoked, rotated, shared."""

import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import ValidationError

from connectors import load
from connectors.base import Connector
from connectors.errors import Unauthorized
from connectors.jira import sandbox_sign_in as atlassian
from connectors.jira.sandbox_site import ACCOUNT
from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.servicenow import sandbox as instance
from connectors.shared import Shared
from connectors.zendesk import sandbox as account
from gateway.clock import steady
from gateway.sandbox.host import Served
from gateway.store import leases, sign_ins
from gateway.store.opening import opened as open_store
from gateway.store.schema_systems import sign_in
from gateway.tokens import THE_SIGN_IN, StoredTokens
from rules.ticket import TicketRef
from tests.rigs import OTHERWISE, ROWS, ROWS_OVER_HTTP, START, Rig, a_sample, keys_of, revealed, rigged, served

ROOT = Path(__file__).parents[2]
CLOUD: Mapping[str, Any] = {"cloud_id": atlassian.CLOUD_ID}
SNOW_APP = {"client_id": instance.CLIENT_ID, "client_secret": instance.CLIENT_SECRET}
ZENDESK_APP = {"client_id": account.CLIENT[0], "client_secret": account.CLIENT[1]}


@cache
def a_key() -> str:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


@dataclass(frozen=True)
class Way:
    """A way in: what stands under `sign_in`, and which word of it is made wrong."""

    system: str
    sign_in: Mapping[str, str]
    wrong: str
    more: Mapping[str, Any] = field(default_factory=dict)
    row: str = ""  # of the table of connectors, where it is not the system's usual one

    @property
    def renews(self) -> bool:
        return "client_id" in self.sign_in

    @property
    def rotates(self) -> bool:
        return "refresh_token" in self.sign_in


WAYS = {
    "jira API token": Way("jira", {"email": ACCOUNT["email"], "token": ACCOUNT["token"]}, "token"),
    "jira scoped token": Way("jira", {"email": ACCOUNT["email"], "token": atlassian.SCOPED}, "token", CLOUD),
    "jira personal access token": Way("jira", {"token": ACCOUNT["token"]}, "token"),
    "jira service account": Way("jira", atlassian.APP, "client_secret", CLOUD),
    "jira OAuth 2.0": Way("jira", {**atlassian.APP, "refresh_token": atlassian.REFRESH}, "refresh_token", CLOUD),
    "jira data center personal access token": Way("jira", {"token": atlassian.PAT}, "token", row="jira-data-center"),
    "servicenow basic": Way("servicenow", {"user": instance.USER, "password": instance.PASSWORD}, "password"),
    "servicenow API key": Way("servicenow", {"api_key": instance.API_KEY}, "api_key"),
    "servicenow client credentials": Way("servicenow", SNOW_APP, "client_secret"),
    "servicenow password grant": Way("servicenow", {**SNOW_APP, "user": instance.USER, "password": instance.PASSWORD}, "password"),
    "servicenow refresh token": Way("servicenow", {**SNOW_APP, "refresh_token": instance.REFRESH}, "refresh_token"),
    "zendesk client credentials": Way("zendesk", ZENDESK_APP, "client_secret"),
    "zendesk refresh token": Way("zendesk", {**ZENDESK_APP, "refresh_token": account.REFRESH}, "refresh_token"),
    "zendesk access token": Way("zendesk", {"oauth_token": account.OAUTH_TOKEN}, "oauth_token"),
    "zendesk API token": Way("zendesk", {"email": account.EMAIL, "token": account.API_TOKEN}, "token"),
    "salesforce client credentials": Way("salesforce", SalesforceSandbox.sign_in(), "client_secret"),
    "salesforce JWT bearer": Way(
        "salesforce", {"client_id": "ticketgate", "username": "ticketgate@acme.example", "private_key": ""}, "private_key"
    ),
}
RENEWED = [name for name, way in WAYS.items() if way.renews]
ROTATED = [name for name, way in WAYS.items() if way.rotates]


@pytest.fixture(scope="module")
def ports() -> Iterator[Mapping[str, Served | None]]:
    with ExitStack() as stack:
        yield {row: stack.enter_context(served(row)) for row in ROWS_OVER_HTTP}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "desk.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """With a desk's store in it, which is made once."""
    shutil.copy(made, tmp_path / "desk.db")
    return tmp_path


@pytest.fixture
def way(request: pytest.FixtureRequest) -> Way:
    return WAYS[request.param]


@pytest.fixture
def rig(way: Way, ports: Mapping[str, Served | None]) -> Iterator[Rig]:
    with rigged(way.row or way.system, ports[way.row or way.system]) as made:
        yield made


def settings_of(rig: Rig, way: Way, **sign_in: str) -> Any:
    said = {**way.sign_in, **({"private_key": a_key()} if "private_key" in way.sign_in else {}), **sign_in}
    return load(way.system).Settings(**rig.settings(**way.more, sign_in=said, page_size=3))


def opened(rig: Rig, way: Way, shared: Shared | None = None, **sign_in: str) -> Connector:
    made = load(way.system).opened("here", settings_of(rig, way, **sign_in), shared=shared)
    rig.opened.append(made)
    return made


def desk_of(rig: Rig) -> Any:
    """The sandbox's token desk: what it gave, what it refused, and how its tokens end."""
    return rig.sandbox.gate.grants if rig.system == "jira" else rig.sandbox.door if rig.system == "salesforce" else rig.sandbox.grants


def keeper(rig: Rig, way: Way, folder: Path) -> Shared:
    """As every process of a desk has one: on the desk's store."""
    return Shared(StoredTokens(f"sqlite:///{folder}/desk.db", "here", settings_of(rig, way), sleep=lambda _: threading.Event().wait(0.001)))


@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_every_way_in_leads_to_the_account(rig: Rig, way: Way) -> None:
    key = rig.load(a_sample("Card declined"))[0]

    connector = opened(rig, way)

    assert "ticketgate" in connector.check_sign_in().casefold()
    assert connector.fetch(key).subject == "Card declined"


@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_a_wrong_secret_is_unauthorized_after_one_try_and_never_told(rig: Rig, way: Way) -> None:
    wrong = "a-wrong-secret-of-ours"
    connector = opened(rig, way, **{way.wrong: wrong})

    with pytest.raises(Unauthorized) as refused:
        connector.check_sign_in()

    asked = [e for e in (rig.served.exchanges if rig.served else []) if "oauth" in e.request.path]
    assert len(asked) <= 1
    assert not revealed(
        [wrong, *(v for k, v in way.sign_in.items() if k not in ("email", "user", "client_id", "username") and v)], refused.value
    )


@pytest.mark.parametrize("way", RENEWED, indirect=True)
def test_a_token_that_runs_out_between_two_pages_is_renewed_once_and_no_page_is_lost_or_doubled(rig: Rig, way: Way) -> None:
    """Fault row F28."""
    made = rig.load(*(a_sample(f"Ticket {n}", age=90 - n) for n in range(8)))
    connector, pages = opened(rig, way), []

    for page in connector.changed(START - timedelta(days=1)):
        pages.append(page)
        if len(pages) == 1:
            desk_of(rig).expire()

    assert sorted(keys_of(pages)) == sorted(made)
    assert desk_of(rig).issued == 2
    assert rig.served is not None
    assert [e.answer.status for e in rig.served.exchanges if e.answer is not None].count(401) == 1


@pytest.mark.parametrize("way", RENEWED, indirect=True)
def test_a_revoked_sign_in_is_asked_about_once_by_all_who_run(rig: Rig, way: Way, folder: Path) -> None:
    """Fault row F29."""
    key = rig.load(a_sample())[0]
    workers = [opened(rig, way, keeper(rig, way, folder)) for _ in range(3)]
    for worker in workers:
        worker.fetch(key)
    desk_of(rig).revoke()

    for worker in (*workers, *workers):
        with pytest.raises(Unauthorized, match=r"sign(ing)? in"):
            worker.fetch(key)

    assert (desk_of(rig).issued, desk_of(rig).refused) == (1, 1)


@pytest.mark.parametrize("way", ROTATED, indirect=True)
def test_each_refresh_token_serves_once_and_the_newest_outlives_the_process(rig: Rig, way: Way, folder: Path) -> None:
    key = rig.load(a_sample())[0]
    for _ in range(3):
        process = opened(rig, way, keeper(rig, way, folder))
        for _ in range(2):
            process.fetch(key)
            desk_of(rig).expire()

    opened(rig, way, keeper(rig, way, folder)).fetch(key)
    with pytest.raises(Unauthorized):
        opened(rig, way).fetch(key)  # what stands in the settings is spent


@pytest.mark.parametrize("way", ["jira OAuth 2.0"], indirect=True)
def test_tokens_lie_in_files_for_us_alone_and_in_no_repr(rig: Rig, way: Way, folder: Path) -> None:
    shared = keeper(rig, way, folder)
    opened(rig, way, shared).fetch(rig.load(a_sample())[0])

    store = open_store(f"sqlite:///{folder}/desk.db")
    with store.reading() as db:
        kept = sign_ins.of(db, "here", db.execute(sa.select(sign_in.c.made_of)).scalar_one()).token
        assert {stat.S_IMODE(path.stat().st_mode) for path in folder.glob("desk.db*")} == {0o600}
    store.close()

    assert kept is not None
    assert not revealed([kept.access, str(kept.refresh)], kept, shared, shared.tokens)


@pytest.mark.parametrize("way", ROTATED, indirect=True)
def test_a_new_secret_in_the_settings_is_a_new_beginning(rig: Rig, way: Way, folder: Path) -> None:
    key = rig.load(a_sample())[0]
    opened(rig, way, keeper(rig, way, folder)).fetch(key)
    desk_of(rig).expire()
    desk_of(rig)._refresh = {"authorized-anew"}
    way = Way(way.system, {**way.sign_in, "refresh_token": "authorized-anew"}, way.wrong, way.more)

    assert opened(rig, way, keeper(rig, way, folder)).fetch(key).ref.key == key


@pytest.mark.parametrize("way", RENEWED, indirect=True)
def test_workers_that_are_refused_at_once_make_one_refresh_between_them(rig: Rig, way: Way, folder: Path) -> None:
    """Fault row F30."""
    key = rig.load(a_sample())[0]
    workers = [opened(rig, way, keeper(rig, way, folder)) for _ in range(2)]  # one keeper each, as processes have
    both = keeper(rig, way, folder)
    workers += [opened(rig, way, both) for _ in range(2)]
    for worker in workers:
        worker.fetch(key)
    desk_of(rig).expire()
    together, read = threading.Barrier(len(workers)), []

    def asks(worker: Connector) -> None:
        together.wait()
        read.append(worker.fetch(key).ref.key)

    threads = [threading.Thread(target=asks, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert read == [key] * len(workers)
    assert desk_of(rig).issued == 2


@pytest.mark.parametrize("way", ["jira OAuth 2.0"], indirect=True)
def test_a_process_that_died_in_the_middle_of_a_refresh_holds_up_nobody(rig: Rig, way: Way, folder: Path) -> None:
    key = rig.load(a_sample())[0]
    dead = subprocess.Popen(["true"])
    dead.wait()
    store = open_store(f"sqlite:///{folder}/desk.db")
    with store.writing() as db:
        signed = f"{leases.MACHINE}/{dead.pid}/1/sign-in"
        assert leases.take(db, [TicketRef("here", THE_SIGN_IN)], signed, steady()) is not None
    store.close()

    assert opened(rig, way, keeper(rig, way, folder)).fetch(key).ref.key == key


ANOTHER = """
import sys, orjson
from connectors import load
from connectors.shared import Shared
from gateway.tokens import THE_SIGN_IN, StoredTokens
from rules.ticket import TicketRef
system, said, url, key = sys.argv[1], orjson.loads(sys.argv[2]), sys.argv[3], sys.argv[4]
settings = load(system).Settings(**said)
there = load(system).opened("here", settings, shared=Shared(StoredTokens(url, "here", settings)))
there.fetch(key)
print("ready", flush=True)
sys.stdin.readline()
there.fetch(key)
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["jira OAuth 2.0", "zendesk refresh token"], indirect=True)
def test_processes_that_are_refused_at_once_make_one_refresh_between_them(rig: Rig, way: Way, folder: Path) -> None:
    """Fault row F30."""
    import orjson

    key = rig.load(a_sample())[0]
    said = orjson.dumps(rig.settings(**way.more, sign_in=dict(way.sign_in))).decode()
    line = [sys.executable, "-c", ANOTHER, way.system, said, f"sqlite:///{folder}/desk.db", key]
    processes = [subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    desk_of(rig).expire()

    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()

    assert [process.returncode for process in processes] == [0, 0]
    assert desk_of(rig).issued == 2


@pytest.mark.parametrize(
    ("system", "sign_in", "why"),
    [
        ("jira", {"email": "a@example.com"}, "sign_in needs"),
        ("jira", dict(atlassian.APP), "cloud_id"),
        ("jira", {**atlassian.APP, "token": "x"}, "sign_in needs"),
        ("jira-data-center", {"email": "a@example.com", "token": "x"}, "personal access token"),
        ("jira-data-center", dict(atlassian.APP), "personal access token"),
        ("servicenow", {"api_key": "k", "user": "u", "password": "p"}, "sign_in needs"),
        ("servicenow", {"refresh_token": "r"}, "sign_in needs"),
        ("zendesk", {"oauth_token": "o", "refresh_token": "r"}, "sign_in needs"),
        ("salesforce", {"client_id": "c", "username": "u", "password": "p"}, "SOAP"),
    ],
)
def test_half_a_sign_in_is_refused_with_the_ways_that_there_are(system: str, sign_in: dict[str, str], why: str) -> None:
    url = {"jira": "https://acme.atlassian.net", "servicenow": "https://acme.service-now.com", "zendesk": "https://acme.zendesk.com"}

    more = OTHERWISE.get(system, {})
    with pytest.raises(ValidationError, match=why) as refused:
        load(ROWS[system]).Settings(url=url.get(system, "https://acme.my.salesforce.com"), sign_in=sign_in, **more)  # type: ignore[call-arg]

    assert not revealed([v for v in sign_in.values() if len(v) > 4 and v != "a@example.com"], refused.value)


def test_a_site_by_its_cloud_id_is_still_opened_by_its_own_address(ports: Mapping[str, Served | None]) -> None:
    way = WAYS["jira scoped token"]
    with rigged("jira", ports["jira"]) as rig:
        key = rig.load(a_sample())[0]

        ticket = opened(rig, way).fetch(key)

    assert ticket.url == f"https://acme.atlassian.net/browse/{key}"
