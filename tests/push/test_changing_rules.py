"""Push rules over the API, and how they reach other devices."""

import asyncio
from typing import Any

import pytest

from tests.world import Person, World

RULE = "/pushrules/global/{kind}/{ruleId}"
ALL = "/pushrules/global/"


async def ids(person: Person, kind: str) -> list[str]:
    """The ids of a kind's rules that the user made."""
    rules = await person.good("GET", ALL)
    return [rule["rule_id"] for rule in rules[kind] if not rule["default"]]


async def pushed(person: Person, since: str) -> Any:
    """The rules that a sync brings, if it brings some."""
    events = (await person.sync(since)).get("account_data", {}).get("events", [])
    return next((event["content"]["global"] for event in events if event["type"] == "m.push_rules"), None)


async def test_a_first_sync_brings_the_predefined_rules(tea: World) -> None:
    alice = await tea.person("alice")
    rules = await alice.good("GET", ALL)
    assert await alice.good("GET", "/pushrules/") == {"global": rules}
    events = (await alice.sync())["account_data"]["events"]
    assert {"type": "m.push_rules", "content": {"global": rules}} in events
    me = next(rule for rule in rules["override"] if rule["rule_id"] == ".m.rule.is_user_mention")
    assert me["conditions"][0]["value"] == alice.user_id


async def test_a_change_reaches_the_other_devices_and_survives_a_restart(tea: World) -> None:
    alice = await tea.person("alice")
    since = (await alice.sync())["next_batch"]
    assert await pushed(alice, since) is None
    body = {"pattern": "oolong", "actions": ["notify", {"set_tweak": "highlight"}]}
    assert await alice.good("PUT", RULE, body, kind="content", ruleId="tea") == {}
    made = {"rule_id": "tea", "default": False, "enabled": True, **body}
    rules = await pushed(alice, since)
    assert rules["content"] == [made]
    assert rules["override"][0]["rule_id"] == ".m.rule.master"
    await tea.restart()
    assert await alice.good("GET", RULE, kind="content", ruleId="tea") == made


async def test_a_rule_is_switched_given_actions_and_removed(tea: World) -> None:
    alice = await tea.person("alice")
    for kind, name in (("underride", ".m.rule.message"), ("room", "!r:tea.test"), ("sender", "@bob:tea.test")):
        path = {"kind": kind, "ruleId": name}
        if not name.startswith("."):
            await alice.good("PUT", RULE, {"actions": ["notify"]}, **path)
        assert await alice.good("GET", RULE + "/enabled", **path) == {"enabled": True}
        await alice.good("PUT", RULE + "/enabled", {"enabled": False}, **path)
        assert await alice.good("GET", RULE + "/enabled", **path) == {"enabled": False}
        await alice.good("PUT", RULE + "/actions", {"actions": []}, **path)
        assert await alice.good("GET", RULE + "/actions", **path) == {"actions": []}
    for kind, name in (("room", "!r:tea.test"), ("sender", "@bob:tea.test")):
        await alice.good("DELETE", RULE, kind=kind, ruleId=name)
        assert (await alice.ask("GET", RULE, kind=kind, ruleId=name)).status == 404


async def test_rules_are_placed_by_one_another(tea: World) -> None:
    alice = await tea.person("alice")
    body = {"pattern": "x", "actions": []}
    for name, query in (("a", {}), ("b", {}), ("c", {"after": "b"}), ("d", {"before": "a"})):
        await alice.good("PUT", RULE, body, query, kind="content", ruleId=name)
    order = await ids(alice, "content")
    assert order.index("c") == order.index("b") + 1
    assert order.index("d") == order.index("a") - 1
    unknown = await alice.ask("PUT", RULE, body, {"before": "never"}, kind="content", ruleId="e")
    assert (unknown.status, unknown.errcode) == (400, "M_UNKNOWN")


async def test_rules_changed_at_once_are_all_kept(tea: World) -> None:
    alice = await tea.person("alice")
    names = [f"r{number}" for number in range(10)]
    body = {"pattern": "x", "actions": []}
    await asyncio.gather(*(alice.good("PUT", RULE, body, kind="content", ruleId=name) for name in names))
    assert set(await ids(alice, "content")) == set(names)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", ("content", ".mine"), {"pattern": "x", "actions": []}, 400),
        ("PUT", ("content", "tea"), {"actions": []}, 400),
        ("PUT", ("content", "tea"), {"pattern": "x"}, 400),
        ("PUT", ("content", "tea"), {"pattern": "x", "actions": [5]}, 400),
        ("PUT", ("content", "tea"), {"pattern": "x", "actions": ["pour"]}, 400),
        ("PUT", ("tea", "tea"), {"actions": []}, 400),
        ("PUT", ("override", "tea"), {"actions": [], "conditions": {"a": 1}}, 400),
        ("DELETE", ("override", ".m.rule.master"), None, 400),
        ("DELETE", ("content", "tea"), None, 404),
        ("GET", ("content", "tea"), None, 404),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    tea: World, method: str, path: tuple[str, str], body: Any, status: int
) -> None:
    alice = await tea.person("alice")
    before = await alice.good("GET", ALL)
    refused = await alice.ask(method, RULE, body, kind=path[0], ruleId=path[1])
    assert refused.status == status
    assert await alice.good("GET", ALL) == before
    assert await tea.database.fetch("SELECT 1 FROM account_data") == []


async def test_rules_are_ones_own(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    await alice.good("PUT", RULE, {"pattern": "x", "actions": []}, kind="content", ruleId="tea")
    assert await ids(bob, "content") == []
