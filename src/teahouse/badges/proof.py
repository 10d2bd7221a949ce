"""Proof of a domain: a token that only who runs the domain can put there, in its DNS or on its web server."""

from __future__ import annotations

import re

from teahouse.badges.types import DOMAIN_MAX_CHARACTERS, Fetcher, Names
from teahouse.errors import FetchRefused, InvalidParam, OutsideFailed

RECORD = "teahouse-verification="  # a TXT record of the domain begins with it, and ends with the token
WELL_KNOWN = "https://{domain}/.well-known/teahouse-verification"  # a file that holds the token and nothing else
FILE_MAX_BYTES = 1_024  # of the file: a token and what an editor puts around it
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?!\d+$){_LABEL}")


def domain_of(text: str) -> str:
    """A domain in its plain form; raises InvalidParam. Names in other scripts become their `xn--` form."""
    try:
        plain = text.strip().rstrip(".").encode("idna").decode().lower()
    except UnicodeError:
        plain = ""
    if len(plain) > DOMAIN_MAX_CHARACTERS or not _DOMAIN.fullmatch(plain):
        raise InvalidParam("'domain' must be a domain such as example.org.")
    return plain


async def found(domain: str, token: str, names: Names, fetcher: Fetcher) -> tuple[str, str]:
    """Where a domain shows a token, dns or file, and '' with why not when it does not."""
    problems = []
    try:
        records = await names.txt(domain)
        if any(record.strip() == f"{RECORD}{token}" for record in records):
            return "dns", ""
        problems.append(f"no TXT record of {domain} is {RECORD}{token}")
    except OutsideFailed as failure:
        problems.append(failure.message)
    address = WELL_KNOWN.format(domain=domain)
    try:
        body = (await fetcher.fetch(address, FILE_MAX_BYTES)).body
        if body.strip() == token.encode():
            return "file", ""
        problems.append(f"{address} does not hold the token")
    except (FetchRefused, OutsideFailed) as failure:
        problems.append(failure.message)
    return "", "; ".join(problem.rstrip(".") for problem in problems)
