"""Mails put into words, and addresses checked: pure functions."""

from __future__ import annotations

import re
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, formatdate, parseaddr

from teahouse.errors import InvalidParam, TooLarge
from teahouse.outbound.types import Letter

ADDRESS_MAX_CHARACTERS = 254  # RFC 5321, 4.5.3.1.3, without the angle brackets
LOCAL_PART_MAX_CHARACTERS = 64  # RFC 5321, 4.5.3.1.1
SUBJECT_MAX_CHARACTERS = 200  # what mail programs show
TEXT_MAX_CHARACTERS = 100_000  # plain text; longer things are read on a page
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


def normal(address: str) -> str:
    """An address as it is written to: its domain in small letters and in ASCII. Raises InvalidParam for what is none.

    Quoted local parts and those outside ASCII are refused: hardly a server takes them.
    """
    local, _, domain = address.strip().rpartition("@")
    if len(domain) > ADDRESS_MAX_CHARACTERS:  # before it is looked at: its normal form takes the square of its length
        domain = ""
    try:
        ascii_domain = domain.encode("idna").decode().lower()
    except UnicodeError:
        ascii_domain = ""
    made = f"{local}@{ascii_domain}"
    good = _LOCAL_PART.fullmatch(local) and _DOMAIN.fullmatch(ascii_domain)
    if not good or len(local) > LOCAL_PART_MAX_CHARACTERS or len(made) > ADDRESS_MAX_CHARACTERS:
        raise InvalidParam("This is not an e-mail address such as you@example.org.")
    return made


def sender(text: str) -> tuple[str, str]:
    """The name and the address of `Teahouse <post@example.org>` or `post@example.org`; raises InvalidParam."""
    name, address = parseaddr(text)
    return one_line(name, SUBJECT_MAX_CHARACTERS), normal(address)


def checked(letter: Letter) -> Letter:
    """The letter, with its address normal. Raises InvalidParam or TooLarge for one that must not be sent."""
    if len(letter.text) > TEXT_MAX_CHARACTERS:
        raise TooLarge(f"A mail has at most {TEXT_MAX_CHARACTERS:,} characters.")
    if letter.unsubscribe and not letter.unsubscribe.startswith(("https://", "http://")):
        raise InvalidParam("A mail is unsubscribed from at a web address.")
    one_line(letter.unsubscribe, 2_000)
    subject = one_line(letter.subject, SUBJECT_MAX_CHARACTERS)
    return Letter(normal(letter.recipient), subject, letter.text, letter.unsubscribe, letter.about)


def one_line(text: str, characters: int) -> str:
    """A text that may stand in a header: raises InvalidParam for one that would begin a header of its own."""
    if _CONTROLS.search(text) or len(text) > characters:
        raise InvalidParam(f"A line in the head of a mail has at most {characters} characters and no line breaks.")
    return text


def compose(letter: Letter, message_id: str, written_ms: int, from_name: str, from_address: str) -> bytes:
    """The mail as it goes over the wire. A retry is the same to the byte, so that receivers may know it again."""
    message = EmailMessage(policy=SMTP)
    message["From"] = formataddr((from_name, from_address))
    message["To"] = letter.recipient
    message["Subject"] = letter.subject
    message["Date"] = formatdate(written_ms / 1_000)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    if letter.unsubscribe:
        message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    message.set_content(letter.text, cte="quoted-printable")
    return message.as_bytes()
