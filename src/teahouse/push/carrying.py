"""Push rules about a room, made to hold for the one that replaces it: a pure change of a ruleset."""

from __future__ import annotations

from teahouse.matrix.push_rules import RULES_MAX, Rule, Ruleset


def carry(rules: Ruleset, old: str, new: str) -> bool:
    """Add to the user's own rules about room `old` the same ones about room `new`; whether there were any to add."""
    added = False
    for kind, its in rules.items():
        known = {each["rule_id"] for each in its}
        for each in list(its):
            twin = twin_of(kind, each, old, new)
            full = sum(map(len, rules.values())) >= RULES_MAX
            if twin is not None and twin["rule_id"] not in known and not full:
                its.insert(its.index(each) + 1, twin)
                added = True
    return added


def twin_of(kind: str, rule: Rule, old: str, new: str) -> Rule | None:
    """The rule for the other room; None for one that does not speak of the first."""
    rule_id = rule["rule_id"].replace(old, new)
    if rule.get("default"):
        return None
    if kind == "room":
        return {**rule, "rule_id": new} if rule["rule_id"] == old else None
    conditions = rule.get("conditions") or []
    about = {"kind": "event_match", "key": "room_id", "pattern": old}
    if about not in conditions:
        return None
    # A rule whose name does not tell its room needs another one.
    name = rule_id if rule_id != rule["rule_id"] else f"{rule_id} {new}"
    return {**rule, "rule_id": name, "conditions": [{**about, "pattern": new} if each == about else each
                                                    for each in conditions]}  # fmt: skip
