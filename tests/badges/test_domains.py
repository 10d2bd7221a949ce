"""Badges by domain: a token in the DNS or on the web server of the domain, and one of the operator's staff."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from teahouse.badges import proof
from teahouse.badges.types import PROOF_GOOD_DAYS
from teahouse.errors import InvalidParam
from tests.badges.ministry import BADGE, DAY_MS, STAFF, VERDICT, shows, staff_member
from tests.clock import ManualClock
from tests.databases import Place
from tests.outbound.web import Web, web
from tests.outbound.zone import Zone, zone
from tests.public_accounts.newsroom import newsroom, opened
from tests.world import World, world

DOMAIN = "leaf.test"


@dataclass
class Outside:
    """A server of ours with the domain name system and a web server beside it, all on loopback."""

    tea: World
    names: Zone
    site: Web


@pytest.fixture
async def outside(
    place: Place, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Outside]:
    async with zone() as names, web() as site:
        names.put(DOMAIN, "A", ["127.0.0.1"])
        assert proof.WELL_KNOWN.startswith("https://{domain}/")
        monkeypatch.setattr(proof, "WELL_KNOWN", f"http://{{domain}}:{site.port}/.well-known/teahouse-verification")
        settings = {
            "outbound__dns_server": names.server,
            "outbound__allowed_networks": "127.0.0.1/32",
            "outbound__allowed_ports": str(site.port),
        }
        async with world(place, tmp_path / "data", clock, **settings) as tea:
            yield Outside(tea, names, site)


@pytest.mark.parametrize("where", ["dns", "file"])
async def test_a_domain_that_shows_the_token_and_one_of_the_staff_make_a_badge(outside: Outside, where: str) -> None:
    tea = outside.tea
    account, _ = await newsroom(tea)
    staff = await staff_member(tea, "first")
    owner, at = account.owner, {"handle": "daily"}
    wish = await owner.good("POST", f"{BADGE}/request", {"way": "domain", "domain": "Leaf.TEST."}, **at)
    assert (wish["domain"], wish["dns_record"]) == (DOMAIN, f"teahouse-verification={wish['token']}")
    missing = await owner.ask("POST", f"{BADGE}/proof", **at)
    assert (missing.status, "not found" in missing.json["error"]) == (409, True)
    assert (await staff.good("GET", f"{STAFF}/badges"))["requests"] == []
    early = await staff.ask("PUT", VERDICT, {"granted": True}, requestId=wish["request_id"])
    assert early.status == 409
    if where == "dns":
        outside.names.put(DOMAIN, "TXT", ['"v=spf1 -all"', f'"{wish["dns_record"]}"'])
    else:
        outside.site.page("/.well-known/teahouse-verification", f"{wish['token']}\n".encode())
    proved = await owner.good("POST", f"{BADGE}/proof", **at)
    assert proved["ready_ts"] == tea.clock.now_ms()
    [waiting] = (await staff.good("GET", f"{STAFF}/badges"))["requests"]
    assert (waiting["handle"], waiting["proof"], waiting["request"]["domain"]) == ("daily", where, DOMAIN)
    said = await staff.good("PUT", VERDICT, {"granted": True}, requestId=wish["request_id"])
    assert said["request"]["state"] == "granted"
    assert await shows(tea, account) == ("media", "media", "media")
    profile = await owner.good("GET", "/profile/{userId}", userId=account.user_id)
    assert profile["io.teahouse.verified"]["domain"] == DOMAIN


async def test_another_account_s_token_proves_nothing(outside: Outside) -> None:
    account, _ = await newsroom(outside.tea)
    other = await opened(account.owner, "weekly", name="Something else")
    body = {"way": "domain", "domain": DOMAIN}
    first = await account.owner.good("POST", f"{BADGE}/request", body, handle="daily")
    await other.owner.good("POST", f"{BADGE}/request", body, handle="weekly")
    outside.names.put(DOMAIN, "TXT", [f'"{first["dns_record"]}"'])
    outside.site.page("/.well-known/teahouse-verification", first["token"].encode())
    assert (await other.owner.ask("POST", f"{BADGE}/proof", handle="weekly")).status == 409
    assert (await account.owner.ask("POST", f"{BADGE}/proof", handle="daily")).status == 200


async def test_a_proof_that_grew_old_must_be_shown_again(outside: Outside) -> None:
    tea = outside.tea
    account, _ = await newsroom(tea)
    staff = await staff_member(tea, "first")
    wish = await account.owner.good("POST", f"{BADGE}/request", {"way": "domain", "domain": DOMAIN}, handle="daily")
    outside.names.put(DOMAIN, "TXT", [f'"{wish["dns_record"]}"'])
    await account.owner.good("POST", f"{BADGE}/proof", handle="daily")
    tea.clock.pass_ms(PROOF_GOOD_DAYS * DAY_MS + 1)
    late = await staff.ask("PUT", VERDICT, {"granted": True}, requestId=wish["request_id"])
    assert (late.status, "again" in late.json["error"]) == (409, True)
    await account.owner.good("POST", f"{BADGE}/proof", handle="daily")
    await staff.good("PUT", VERDICT, {"granted": True}, requestId=wish["request_id"])


async def test_a_domain_that_cannot_be_reached_is_told(outside: Outside) -> None:
    account, _ = await newsroom(outside.tea)
    body = {"way": "domain", "domain": "nowhere.test"}
    await account.owner.good("POST", f"{BADGE}/request", body, handle="daily")
    refused = await account.owner.ask("POST", f"{BADGE}/proof", handle="daily")
    assert (refused.status, "nowhere.test" in refused.json["error"]) == (409, True)
    document = await account.owner.ask("POST", f"{BADGE}/evidence", {"name": "x", "content": "eA=="}, handle="daily")
    assert document.status == 400


@pytest.mark.parametrize(
    ("text", "plain"),
    [("Example.ORG.", "example.org"), ("bücher.example", "xn--bcher-kva.example"), ("a.b-c.co.uk", "a.b-c.co.uk")],
)
def test_domains_are_put_into_one_form(text: str, plain: str) -> None:
    assert proof.domain_of(text) == plain


@pytest.mark.parametrize(
    "text",
    ["", "localhost", "127.0.0.1", "[::1]", "https://example.org", "example.org/x", "a..b", "-a.org", "a b.org",
     "example.org:443", "user@example.org", f"{'a' * 64}.org", ".".join(["abcdefgh"] * 40)],
)  # fmt: skip
def test_what_is_no_domain_is_refused(text: str) -> None:
    with pytest.raises(InvalidParam):
        proof.domain_of(text)
