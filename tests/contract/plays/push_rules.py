"""Which events make a sound: the push rules."""

from typing import Any

from tests.contract.stage import BAD_BODY, Cast

RULE = {"kind": "content", "ruleId": "tea"}
BODY: dict[str, Any] = {"pattern": "oolong", "actions": ["notify"]}
MISSING = {"kind": "content", "ruleId": "coffee"}


def the_default_rules_are_there(cast: Cast) -> None:
    rules = cast.alice.good("getPushRules")["global"]
    assert ".m.rule.master" in [rule["rule_id"] for rule in rules["override"]]
    cast.alice.good("getPushRulesGlobal")
    cast.alice.signed_out("getPushRules")
    cast.alice.signed_out("getPushRulesGlobal")


def a_rule_is_made_changed_and_removed(cast: Cast) -> None:
    alice = cast.alice
    alice.good("setPushRule", **RULE, body=BODY)
    assert alice.good("getPushRule", **RULE)["pattern"] == "oolong"
    alice.good("setPushRuleEnabled", **RULE, body={"enabled": False})
    assert alice.good("isPushRuleEnabled", **RULE) == {"enabled": False}
    loud = [{"set_tweak": "highlight"}]
    alice.good("setPushRuleActions", **RULE, body={"actions": loud})
    assert alice.good("getPushRuleActions", **RULE) == {"actions": loud}
    alice.good("deletePushRule", **RULE)
    alice.bad("getPushRule", 404, "M_NOT_FOUND", **RULE)


def a_rule_that_is_not_there_cannot_be_changed(cast: Cast) -> None:
    alice = cast.alice
    alice.bad("isPushRuleEnabled", 404, "M_NOT_FOUND", **MISSING)
    alice.bad("getPushRuleActions", 404, "M_NOT_FOUND", **MISSING)
    alice.bad("setPushRuleEnabled", 404, "M_NOT_FOUND", **MISSING, body={"enabled": True})
    alice.bad("setPushRuleActions", 404, "M_NOT_FOUND", **MISSING, body={"actions": []})
    alice.bad("deletePushRule", 404, "M_NOT_FOUND", **MISSING)
    alice.bad("setPushRule", 400, BAD_BODY, **MISSING, body={"pattern": "x", "actions": "loud"})


PLAYS = (
    the_default_rules_are_there,
    a_rule_is_made_changed_and_removed,
    a_rule_that_is_not_there_cannot_be_changed,
)
