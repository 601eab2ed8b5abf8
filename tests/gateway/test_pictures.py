"""What is copied to a partner's system names the pictures of this one, and hands on no address that is signed."""

from pathlib import Path

from connectors.sandbox import Deed, Sample
from rules.ticket import TicketRef
from tests.gateway.memory_desk import an_office

SYNC = """
version: 1
rules:
  - id: in-step
    when: [created, commented]
    if: { connection: [desk, core], tags: { contains: engineering } }
    then:
      - sync: { with: core, if_missing: create, comments: both_ways }
"""
PICTURE = "https://acme.zendesk.com/attachments/token/sEcReT/?name=screen.png"


def test_a_copied_comment_and_a_partners_text_name_their_pictures(tmp_path: Path) -> None:
    with an_office(tmp_path, SYNC, ("desk", "core")) as office:
        office.round()
        sample = Sample(subject="Odd", body=f"It looks so: ![]({PICTURE})", created_at=office.hands.now, tags=("engineering",))
        ref = TicketRef("desk", office.systems["desk"].people(Deed(kind="create", by="customer", sample=sample)))
        office.round()
        office.round()
        office.reply(ref, f"And now so: ![]({PICTURE}) or {PICTURE}")
        office.round()
        office.round()
        (made,) = office.systems["core"].keys()
        record = office.systems["core"].record(made)
        said = [comment["text"] for comment in record["comments"]]
        assert "[image: screen.png]" in record["body"]
        assert any("And now so: [image: screen.png] or [image: screen.png]" in text for text in said)
        assert "sEcReT" not in str(record)
