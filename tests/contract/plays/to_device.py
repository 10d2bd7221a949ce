"""Messages from device to device."""

from tests.contract.stage import BAD_BODY, Cast


def a_message_reaches_the_device_it_is_for(cast: Cast) -> None:
    bob = cast.stage.signed_in(cast.bob.localpart)
    since = bob.good("sync", query={"timeout": 0})["next_batch"]
    messages = {bob.user_id: {bob.device_id: {"leaf": "oolong"}}}
    place = {"eventType": "org.example.tea", "txnId": cast.stage.name("txn")}
    for _ in range(2):
        cast.alice.good("sendToDevice", **place, body={"messages": messages})
    received = bob.good("sync", query={"timeout": 0, "since": since})["to_device"]["events"]
    assert [event["content"] for event in received] == [{"leaf": "oolong"}]
    wildcard = {bob.user_id: {"*": {"leaf": "green"}}}
    cast.alice.good("sendToDevice", eventType="org.example.tea", txnId="all", body={"messages": wildcard})
    cast.alice.bad("sendToDevice", 400, BAD_BODY, eventType="org.example.tea", txnId="bad", body={"messages": 1})


PLAYS = (a_message_reaches_the_device_it_is_for,)
