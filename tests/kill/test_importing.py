"""An archive that is being read when the server dies: all of it becomes posts, each once."""

import json
import time
from contextlib import closing

import pytest

from tests.kill.test_schedule import ACCOUNT, LIMIT_S, editor
from tests.serving import ServedTeahouse

LINES = 100
KILLS = 3


@pytest.mark.parametrize("unstarted", ["sqlite"], indirect=True)
def test_an_import_that_is_killed_goes_on_and_doubles_no_post(unstarted: ServedTeahouse) -> None:
    unstarted.start(recorded=False)
    lines = [
        json.dumps({"id": str(number), "written": "2019-05-04T10:00:00Z", "text": f"post {number}"})
        for number in range(LINES)
    ]
    with closing(editor(unstarted)) as client:
        taken = client.post(f"{ACCOUNT}/imports", content="\n".join(lines))
        assert taken.status_code == 202, taken.text
        for _ in range(KILLS):
            unstarted.kill()
            unstarted.start(recorded=False)
        deadline = time.monotonic() + LIMIT_S
        while not (job := client.get(taken.headers["location"]).json())["ended_ts"]:
            assert time.monotonic() < deadline, job
            time.sleep(0.05)
        assert (job["state"], job["added"], job["known"], job["failed"]) == ("done", LINES, 0, 0)
        posts = client.get(f"{ACCOUNT}/posts", params={"limit": 100}).json()["posts"]
    assert sorted(post["content"]["text"] for post in posts) == sorted(f"post {number}" for number in range(LINES))
    assert unstarted.stop() == 0
    assert list((unstarted.data_dir / "imports").iterdir()) == []
    verified = unstarted.command("verify")
    assert verified.returncode == 0, verified.stdout
