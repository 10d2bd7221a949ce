"""Looking up names."""

from collections.abc import AsyncIterator

import pytest

from teahouse.errors import OutsideFailed
from teahouse.outbound import names as names_module
from teahouse.outbound.names import RECORDS_MAX, Dns, host_and_port
from tests.outbound.zone import Zone, zone


@pytest.fixture
async def names() -> AsyncIterator[Zone]:
    async with zone() as made:
        yield made


async def test_text_records_come_back_whole_and_in_full(names: Zone) -> None:
    names.put("example.test", "TXT", ['"first" " half"', '"tea=1"'])
    assert sorted(await Dns(names.server).txt("Example.test")) == ["first half", "tea=1"]


async def test_a_name_without_records_has_none_and_an_unknown_one_too(names: Zone) -> None:
    names.put("bare.test", "A", ["192.0.2.1"])
    assert await Dns(names.server).txt("bare.test") == []
    assert await Dns(names.server).txt("nowhere.test") == []


async def test_a_host_has_its_addresses_of_both_kinds_and_an_unknown_one_is_named(names: Zone) -> None:
    names.put("both.test", "A", ["192.0.2.1", "192.0.2.2"])
    names.put("both.test", "AAAA", ["2001:db8::1"])
    assert sorted(await Dns(names.server).addresses("both.test")) == ["192.0.2.1", "192.0.2.2", "2001:db8::1"]
    with pytest.raises(OutsideFailed, match=r"nowhere\.test"):
        await Dns(names.server).addresses("nowhere.test")


async def test_a_server_that_does_not_answer_is_given_up(names: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names_module, "LOOKUP_LIMIT_S", 0.2)
    names.silent = True
    with pytest.raises(OutsideFailed, match="could not be looked up"):
        await Dns(names.server).txt("slow.test")


@pytest.mark.parametrize("name", ["", "a b", "-", "a" * 64 + ".test", "x." * 130 + "test", "ex\0ample.test", "a/b"])
async def test_what_is_no_name_is_not_asked_for(name: str, names: Zone) -> None:
    with pytest.raises(OutsideFailed):
        await Dns(names.server).txt(name)
    assert not names.asked


async def test_of_a_long_answer_a_bounded_number_of_records_is_kept(names: Zone) -> None:
    names.put("long.test", "TXT", [f'"{number}"' for number in range(RECORDS_MAX + 20)])
    assert len(await Dns(names.server).txt("long.test")) == RECORDS_MAX


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)), ("192.0.2.1:5353", ("192.0.2.1", 5353)), ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)), ("[2001:db8::1]", ("2001:db8::1", 53)),
    ],
)  # fmt: skip
def test_a_name_server_is_named_with_or_without_its_port(text: str, parts: tuple[str, int]) -> None:
    assert host_and_port(text) == parts
