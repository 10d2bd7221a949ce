"""Fetching from others: what comes back, and what must never happen."""

import asyncio
import gzip
import random
import zlib
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress

import pytest
from yarl import URL

from teahouse.errors import FetchRefused, OutsideFailed
from teahouse.outbound.fetcher import FETCHES_MAX, REDIRECTS_MAX, URL_MAX_CHARACTERS, Fetcher
from teahouse.outbound.guard import Guard
from teahouse.outbound.names import Dns
from teahouse.outbound.types import Fetched, FetchLimits, Validators
from tests.outbound.web import Asked, Web, head, web
from tests.outbound.zone import Zone, zone

KILOBYTE, MEGABYTE = 1_024, 1_048_576
HERE = "127.0.0.1/32"  # allowed; the rest of 127.0.0.0/8 stands for the operator's own network
HURRIED = FetchLimits(connect_s=0.3, silence_s=0.3, total_s=0.6)


@asynccontextmanager
async def fetching(
    site: Web, names: Zone, allowed: Collection[str] = (HERE,), limits: FetchLimits | None = None
) -> AsyncIterator[Fetcher]:
    fetcher = Fetcher(Dns(names.server), Guard(list(allowed)), [site.port], "https://tea.test", limits)
    try:
        yield fetcher
    finally:
        await fetcher.close()


@pytest.fixture
async def site() -> AsyncIterator[Web]:
    async with web() as made:
        yield made


@pytest.fixture
async def names() -> AsyncIterator[Zone]:
    async with zone() as made:
        yield made


@pytest.fixture
async def fetcher(site: Web, names: Zone) -> AsyncIterator[Fetcher]:
    async with fetching(site, names) as made:
        yield made


async def test_a_page_comes_back_with_its_type_and_validators(site: Web, fetcher: Fetcher) -> None:
    url = site.page("/feed", b"<rss/>", "Content-Type: Application/RSS+XML; charset=utf-8", 'ETag: "7"',
                    "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT", "Set-Cookie: who=you")  # fmt: skip
    found = await fetcher.fetch(url + "#top", KILOBYTE, "application/rss+xml")
    expected = Validators('"7"', "Mon, 01 Jan 2024 00:00:00 GMT")
    assert found == Fetched(url, b"<rss/>", "application/rss+xml", "utf-8", expected)
    await fetcher.fetch(url, KILOBYTE)
    assert site.asked[0].headers["accept"] == "application/rss+xml"
    for asked in site.asked:
        assert asked.headers["user-agent"].startswith("Teahouse/")
        assert "https://tea.test" in asked.headers["user-agent"]
        assert not {"cookie", "authorization"} & asked.headers.keys()


async def test_a_known_copy_is_asked_for_by_its_validators_and_found_unchanged(site: Web, fetcher: Fetcher) -> None:
    url = site.page("/feed", b"", 'ETag: "7"', status="304 Not Modified")
    found = await fetcher.fetch(url, KILOBYTE, known=Validators('"7"', "Mon, 01 Jan 2024 00:00:00 GMT"))
    assert found.unchanged
    assert found.body == b""
    assert site.asked[0].headers["if-none-match"] == '"7"'
    assert site.asked[0].headers["if-modified-since"] == "Mon, 01 Jan 2024 00:00:00 GMT"


async def test_packed_pages_are_unpacked(site: Web, fetcher: Fetcher) -> None:
    text = bytes(range(256)) * 2_000
    url = site.page("/packed", gzip.compress(text), "Content-Encoding: gzip")
    assert (await fetcher.fetch(url, MEGABYTE)).body == text


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "//example.org/", "example.org", "", "http://",
        "http:///path", "http://user@example.org/", "http://user:password@example.org/", "http://example.org:22/",
        "https://example.org:8443/", "http://[::1/", "http://example.org:99999/", "javascript:alert(1)",
        "http://example.org/" + "a" * URL_MAX_CHARACTERS,
    ],
)  # fmt: skip
async def test_what_is_no_plain_web_address_is_refused_before_anyone_is_asked(
    url: str, fetcher: Fetcher, site: Web, names: Zone
) -> None:
    with pytest.raises(FetchRefused):
        await fetcher.fetch(url, KILOBYTE)
    assert not site.asked
    assert not names.asked


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.2", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "0.0.0.0", "[::]", "10.0.0.1",
        "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]", "[2001:0:1::1]", "224.0.0.1", "255.255.255.255", "１２７.0.0.2", "127。0。0。2",
    ],
)  # fmt: skip
async def test_private_addresses_are_refused_however_they_are_written(host: str, site: Web, fetcher: Fetcher) -> None:
    site.page("/", b"secret")
    with pytest.raises(FetchRefused, match="not on the public internet"):
        await fetcher.fetch(site.url(host=host), KILOBYTE)
    assert not site.asked


@pytest.mark.parametrize("host", ["2130706434", "0x7f000002", "0177.0.0.2", "127.2", "localhost", "127.0.0.2.", "a b"])
async def test_old_ways_to_write_addresses_lead_nowhere(host: str, site: Web, fetcher: Fetcher) -> None:
    site.page("/", b"secret")
    with pytest.raises((FetchRefused, OutsideFailed)):
        await fetcher.fetch(site.url(host=host), KILOBYTE)
    assert not site.asked


@pytest.mark.parametrize(
    ("kind", "addresses"),
    [("A", ["127.0.0.2"]), ("A", ["127.0.0.1", "127.0.0.2"]), ("AAAA", ["::1"]), ("AAAA", ["::ffff:127.0.0.1"])],
)
async def test_a_name_that_leads_inside_is_refused(
    kind: str, addresses: list[str], site: Web, names: Zone, fetcher: Fetcher
) -> None:
    site.page("/", b"secret")
    names.put("evil.test", kind, addresses)
    with pytest.raises(FetchRefused, match=r"evil\.test is not on the public internet"):
        await fetcher.fetch(site.url(host="evil.test"), KILOBYTE)
    assert not site.asked


async def test_the_address_that_was_judged_is_the_one_connected_to(site: Web, names: Zone, fetcher: Fetcher) -> None:
    """DNS rebinding: the name answers with something harmless once, then with an address inside."""
    site.page("/", b"harmless")
    names.put("evil.test", "A", ["127.0.0.1"], ["127.0.0.2"])
    assert (await fetcher.fetch(site.url(host="evil.test"), KILOBYTE)).body == b"harmless"
    assert [asked.address for asked in site.asked] == ["127.0.0.1"]
    assert names.asked["evil.test", "A"] == 1
    with pytest.raises(FetchRefused):
        await fetcher.fetch(site.url(host="evil.test"), KILOBYTE)
    assert len(site.asked) == 1


async def test_a_redirect_is_judged_like_the_first_address(site: Web, names: Zone, fetcher: Fetcher) -> None:
    site.page("/secret", b"secret")
    names.put("evil.test", "A", ["127.0.0.2"])
    for number, target in enumerate(
        (site.url("/secret", "127.0.0.2"), site.url("/secret", "evil.test"), "file:///etc/passwd",
         f"http://user:word@127.0.0.1:{site.port}/secret", "http://127.0.0.1:22/")
    ):  # fmt: skip
        url = site.moved(f"/away{number}", target)
        with pytest.raises(FetchRefused):
            await fetcher.fetch(url, KILOBYTE)
    assert "/secret" not in [asked.path for asked in site.asked]


async def test_the_socket_itself_is_judged_when_everything_before_it_failed(
    site: Web, names: Zone, monkeypatch: pytest.MonkeyPatch, fetcher: Fetcher
) -> None:
    monkeypatch.setattr(Fetcher, "check", lambda self, text: URL(text))
    with pytest.raises(FetchRefused):
        await fetcher.fetch(site.url(host="127.0.0.2"), KILOBYTE)
    assert not site.asked


async def test_redirects_are_followed_up_to_the_limit(site: Web, fetcher: Fetcher) -> None:
    site.page("/end", b"here")
    for hop in range(REDIRECTS_MAX + 1):
        site.moved(f"/{hop}", "end" if hop == 0 else f"/{hop - 1}", ("301 Moved", "308 Permanent")[hop % 2])
    found = await fetcher.fetch(site.url(f"/{REDIRECTS_MAX - 1}"), KILOBYTE)
    assert (found.url, found.body) == (site.url("/end"), b"here")
    with pytest.raises(OutsideFailed, match="more than 5 times"):
        await fetcher.fetch(site.url(f"/{REDIRECTS_MAX}"), KILOBYTE)
    site.moved("/loop", "/loop")
    with pytest.raises(OutsideFailed):
        await fetcher.fetch(site.url("/loop"), KILOBYTE)


async def test_what_is_too_large_is_refused_by_its_announced_length_and_by_what_comes(
    site: Web, fetcher: Fetcher
) -> None:
    site.page("/exact", b"x" * KILOBYTE)
    assert len((await fetcher.fetch(site.url("/exact"), KILOBYTE)).body) == KILOBYTE
    site.silent("/announced", head("200 OK", f"Content-Length: {KILOBYTE + 1}"))
    site.endless("/endless", head(), b"x" * KILOBYTE)
    chunk = b"400\r\n" + b"x" * KILOBYTE + b"\r\n"
    site.endless("/chunks", head("200 OK", "Transfer-Encoding: chunked"), chunk)
    for path in ("/announced", "/endless", "/chunks"):
        with pytest.raises(OutsideFailed, match="larger than 1,024 bytes"):
            await fetcher.fetch(site.url(path), KILOBYTE)


async def test_a_bomb_is_noticed_before_it_goes_off(
    site: Web, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = gzip.compress(bytes(64 * MEGABYTE))
    assert len(bomb) < 100 * KILOBYTE
    largest = 0
    unpack = zlib.decompressobj

    class Watched:
        def __init__(self, wbits: int) -> None:
            self._inner = unpack(wbits)

        def decompress(self, packed: bytes, most: int) -> bytes:
            nonlocal largest
            piece = self._inner.decompress(packed, most)
            largest = max(largest, len(piece))
            return piece

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

    monkeypatch.setattr("teahouse.outbound.fetcher.zlib.decompressobj", Watched)
    site.page("/bomb", bomb, "Content-Encoding: gzip")
    with pytest.raises(OutsideFailed, match="larger than"):
        await fetcher.fetch(site.url("/bomb"), MEGABYTE)
    assert 0 < largest <= 64 * KILOBYTE


async def test_damaged_answers_are_failures_of_the_other_side(site: Web, fetcher: Fetcher) -> None:
    packed = gzip.compress(b"x" * 5_000)
    site.raw("/short", head("200 OK", "Content-Length: 10"), b"only")
    site.raw("/chunk", head("200 OK", "Transfer-Encoding: chunked"), b"zz\r\nx")
    site.raw("/nothing")
    site.raw("/noise", b"\x00\x01\x02 what is this\r\n\r\n")
    site.page("/cut", packed[:-9], "Content-Encoding: gzip")
    site.page("/liar", b"not packed at all", "Content-Encoding: gzip")
    site.page("/strange", b"?", "Content-Encoding: br")
    site.raw("/lengths", head("200 OK", "Content-Length: 4", "Content-Length: 9"), b"both")
    site.raw("/heads", b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % each for each in range(5_000)) + b"\r\n")
    site.raw("/line", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n")
    site.moved("/nowhere", "http://[::bad/")
    site.page("/gone", b"", status="410 Gone")
    for path in site.pages:
        with pytest.raises(OutsideFailed):
            await fetcher.fetch(site.url(path), 100 * KILOBYTE)


async def test_a_server_that_keeps_one_waiting_is_left(site: Web, names: Zone) -> None:
    site.silent("/silent", b"")
    site.silent("/half", head("200 OK", "Content-Length: 10") + b"half")

    async def drip(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(head("200 OK", "Content-Length: 1000000"))
        while True:  # never silent for long, and never done
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    site.pages["/drip"] = drip
    site.moved("/loop", "/loop")
    async with fetching(site, names, limits=HURRIED) as fetcher, asyncio.timeout(10):
        for path in ("/silent", "/half", "/drip"):
            with pytest.raises(OutsideFailed, match="took too long"):
                await fetcher.fetch(site.url(path), MEGABYTE)
        names.silent = True
        with pytest.raises(OutsideFailed, match="took too long"):
            await fetcher.fetch(site.url(host="slow.test"), MEGABYTE)


async def test_only_so_many_fetches_run_at_once(site: Web, fetcher: Fetcher) -> None:
    running = most = 0
    free = asyncio.Event()
    full = asyncio.Event()

    async def slow(asked: Asked, writer: asyncio.StreamWriter) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == FETCHES_MAX:
            full.set()
        await free.wait()
        running -= 1
        writer.write(head("200 OK", "Content-Length: 0"))

    site.pages["/slow"] = slow
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for _ in range(FETCHES_MAX * 2):
            group.create_task(fetcher.fetch(site.url("/slow"), KILOBYTE))
        await full.wait()
        free.set()
    assert most == FETCHES_MAX
    assert len(site.asked) == FETCHES_MAX * 2


async def test_allowed_networks_are_let_through_and_no_others(site: Web, names: Zone) -> None:
    site.page("/", b"intranet")
    names.put("inside.test", "A", ["127.0.0.3"])
    async with fetching(site, names, ["127.0.0.2/31"]) as fetcher:
        assert (await fetcher.fetch(site.url(host="127.0.0.2"), KILOBYTE)).body == b"intranet"
        assert (await fetcher.fetch(site.url(host="inside.test"), KILOBYTE)).body == b"intranet"
        with pytest.raises(FetchRefused):
            await fetcher.fetch(site.url(host="127.0.0.4"), KILOBYTE)


async def test_a_closed_port_and_an_unknown_name_are_named(site: Web, names: Zone, fetcher: Fetcher) -> None:
    with pytest.raises(OutsideFailed, match=r"no server called nowhere\.test"):
        await fetcher.fetch(site.url(host="nowhere.test"), KILOBYTE)
    async with web("127.0.0.1") as other:
        port = other.port
    closed = Fetcher(Dns(names.server), Guard([HERE]), [port], "tea.test")
    with pytest.raises(OutsideFailed, match="cannot be reached"):
        await closed.fetch(f"http://127.0.0.1:{port}/?token=secret", KILOBYTE)
    await closed.close()


async def test_whatever_a_server_answers_it_is_taken_or_refused(site: Web, names: Zone) -> None:
    """Good answers with some bytes changed, put in or left out; always the same ones."""
    dice = random.Random(1)
    packed = gzip.compress(b"tea" * 200)
    good = [
        head("200 OK", "Content-Length: 3", "Content-Type: text/xml; charset=utf-8", 'ETag: "1"') + b"tea",
        head("200 OK", "Transfer-Encoding: chunked", "Content-Encoding: gzip")
        + b"%x\r\n" % len(packed) + packed + b"\r\n0\r\n\r\n",
        head("302 Found", "Location: /elsewhere?x", "Content-Length: 0"),
        head("100 Continue") + head("200 OK", "Content-Length: 1") + b"x",
    ]  # fmt: skip
    async with fetching(site, names, limits=HURRIED) as fetcher:

        async def one(path: str) -> None:
            answer = bytearray(dice.choice(good))
            for _ in range(dice.randrange(5)):
                at, count = dice.randrange(len(answer)), dice.randrange(6)
                answer[at : at + count] = dice.choice([b"", b"\r\n", b"\0", b": ", b"[::1", dice.randbytes(count)])
            with suppress(FetchRefused, OutsideFailed):
                await fetcher.fetch(site.raw(path, bytes(answer)), KILOBYTE)

        for batch in range(20):
            await asyncio.gather(*(one(f"/{batch}/{number}") for number in range(FETCHES_MAX)))
