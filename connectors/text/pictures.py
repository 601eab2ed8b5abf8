"""Pictures and files within a text that goes to another system: by name, for their addresses open there to nobody, or to everybody.

An inline picture points to an attachment of the system it stands in: whoever reads the copy is not signed in there, or the address is
signed and lets in whoever has it.
"""

import re
from urllib.parse import parse_qs, unquote, urlsplit

PICTURE = re.compile(r"!\[(?P<alt>[^\]\n]*)\]\((?P<src>[^\s)]+)[^)\n]*\)")
"""As Zendesk tells an inline picture in a comment's plain text, and Markdown writes it."""
TAG = re.compile(r"(?:\[code\])?<img\b(?P<said>[^>]*)>(?:\[/code\])?", re.IGNORECASE)
"""As ServiceNow's journals hold one."""
SAID = re.compile(r"""\b(src|alt)\s*=\s*["']([^"']*)["']""", re.IGNORECASE)
SIGNED = re.compile(
    r"https?://[^\s<>()\[\]\"']*(?:/attachments/token/|/sys_attachment\.do\?|[?&](?:X-Amz-(?:Signature|Credential)|Signature|sig|"
    r"jwt|access_token|token|secret)=)[^\s<>()\[\]\"']*",
    re.IGNORECASE,
)
"""Addresses that let in whoever has them (Zendesk's attachment tokens, signed storage), or only who is signed in (ServiceNow's)."""
SHOWN = frozenset({"png", "jpg", "jpeg", "gif", "webp", "svg", "bmp", "heic", "tif", "tiff"})


def by_name(text: str) -> str:
    """The text with `[image: NAME]` for each picture, and `[file: NAME]` for each other address that must not leave."""
    if "://" not in text and "![" not in text and "<img" not in text.casefold():
        return text
    text = PICTURE.sub(lambda found: _image(found["src"], found["alt"]), text)
    text = TAG.sub(lambda found: _tagged(found["said"]), text)
    return SIGNED.sub(lambda found: _kept(found[0]), text)


def named(name: str, src: str = "") -> str:
    """A picture or another file that a text shows, by its name or by the name in its address: `[image: NAME]`, `[file: NAME]`."""
    known = _plain(name) or _name(src)
    ending = known.rpartition(".")[2].casefold() if "." in known else ""
    return f"[{'file' if ending and ending not in SHOWN else 'image'}: {known or 'without a name'}]"


def _tagged(said: str) -> str:
    known = {name.casefold(): value for name, value in SAID.findall(said)}
    return _image(known.get("src", ""), known.get("alt", ""))


def _image(src: str, alt: str) -> str:
    return f"[image: {_plain(alt) or _name(src) or 'without a name'}]"


def _kept(address: str) -> str:
    name = _name(address)
    kind = "image" if name.rpartition(".")[2].casefold() in SHOWN else "file"
    return f"[{kind}: {name or 'without a name'}]"


def _name(address: str) -> str:
    """The file's name, as the address tells it; nothing of what signs it."""
    try:
        parts = urlsplit(address)
        named = parse_qs(parts.query).get("name", [""])[0]
    except ValueError:
        return ""
    last = unquote(parts.path.rpartition("/")[2])
    return _plain(named) or (_plain(last) if "." in last and not last.endswith(".do") else "")


def _plain(name: str) -> str:
    return re.sub(r"[\[\]()<>\s]+", " ", name).strip()[:120]
