"""What `zapbase keys` says: who needs which key, and what helps; never a key."""

from __future__ import annotations

import json
from collections import Counter

from connector.key_commands import as_json, as_text, told
from connector.keys.exchange import Done, Uses
from connector.sealing import Sealer, key_id

NEW, OLD, LOST = bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96))
SEALER = Sealer([NEW, OLD])
ID = {key: key_id(key).hex() for key in (NEW, OLD, LOST)}


def test_an_exchange_that_is_complete_says_what_comes_next() -> None:
    left = Uses(resting=Counter({ID[NEW]: 3}), here=Counter({ID[NEW]: 7}))

    said, well = told(Done(states=2, values=5), left, SEALER)

    assert well
    assert "2 saved states, 5 values in this folder" in said
    assert "WA_STATE_KEY=<new> alone" in said
    assert "run this on each" in said


def test_whoever_still_needs_an_earlier_key_is_named_with_the_cure() -> None:
    left = Uses(
        resting=Counter({ID[LOST]: 1, ID[OLD]: 2}),
        running=Counter({ID[OLD]: 3, ID[NEW]: 9}),
        sending=Counter({ID[OLD]: 4}),
        here=Counter({ID[LOST]: 5, "": 6}),
        unread=7,
    )

    said, well = told(Done(), left, SEALER)

    assert not well
    assert said.count("\n- ") == 6
    assert f"by 3 running sessions (key {ID[OLD]}): restart their connectors" in said
    assert f"by 2 saved states (key {ID[OLD]}): they were in use" in said
    assert f"by 1 saved states that do not open (key {ID[LOST]}): add their key" in said
    assert f"by 4 messages that are being sent (key {ID[OLD]})" in said
    assert f"by 11 values in this folder that do not open (key ?, {ID[LOST]})" in said
    assert "perhaps by 7 sessions here" in said


def test_a_list_counts_by_ids_and_tells_no_key() -> None:
    found = Uses(resting=Counter({ID[OLD]: 2}), running=Counter({ID[LOST]: 1}))

    text, data = as_text(found, SEALER), json.loads(as_json(found, SEALER))

    assert [line.split()[:2] for line in text.splitlines()[1:4]] == [
        [ID[NEW], "seals"],
        [ID[OLD], "opens"],
        [ID[LOST], "no"],
    ]
    assert [each["saved_states"] for each in data["keys"]] == [0, 2, 1]
    assert all(key.hex() not in text for key in (NEW, OLD, LOST))
