"""The whole report in a real Chromium, spoken to over its debugging pipe."""

import json
import os
import select
import shutil
import subprocess
import sys
import time

import pytest

from bridle.report import write_html

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next((path for path in map(shutil.which, NAMES) if path), None)
OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
)  # fmt: skip
# The browser reads commands from descriptor 3 and writes to descriptor 4.
EXEC = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
PATIENCE = 60.0
FACTS = """({
  width: innerWidth, scroll: document.documentElement.scrollWidth, title: document.title,
  places: [...document.querySelectorAll('.drawing')].filter(place => !place.closest('details:not([open])')).length,
  drawn: [...document.querySelectorAll('.drawing')].filter(place => place.querySelector('svg .trace, svg .hm')).length,
  wide: [...document.querySelectorAll('.drawing')].filter(place => place.scrollWidth > place.clientWidth).length,
  pictures: [...document.images].filter(image => image.complete && image.naturalWidth > 0).length,
  paper: getComputedStyle(document.body).backgroundColor,
  dots: getComputedStyle(document.querySelector('svg .points path') ?? document.body).fill,
})"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason=f"no Chromium: none of {', '.join(NAMES)} is installed"),
]


class Browser:
    """One headless Chromium; every page is opened in a tab of its own."""

    def __init__(self, profile):
        command_end, self._commands = os.pipe()
        self._events, event_end = os.pipe()
        ends = (command_end, event_end)
        command = [sys.executable, "-c", EXEC, *map(str, ends), CHROMIUM, *OPTIONS, f"--user-data-dir={profile}"]
        self._process = subprocess.Popen(command, pass_fds=ends, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        for end in ends:
            os.close(end)
        self._number, self._unread, self.events = 0, b"", []

    def close(self):
        self.ask("Browser.close")
        self._process.wait(PATIENCE)
        os.close(self._commands)
        os.close(self._events)

    def ask(self, method, session=None, **parameters):
        """The answer to one command; events that come meanwhile are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        message |= {"sessionId": session} if session else {}
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        answer = self._wait(lambda found: found.get("id") == self._number)
        assert "error" not in answer, answer
        return answer["result"]

    def wait_for(self, event):
        return next((item for item in self.events if item["method"] == event), None) or self._wait(
            lambda found: found.get("method") == event
        )

    def _wait(self, wanted):
        deadline = time.monotonic() + PATIENCE
        while True:
            while b"\0" in self._unread:
                text, _, self._unread = self._unread.partition(b"\0")
                found = json.loads(text)
                if "method" in found:
                    self.events.append(found)
                if wanted(found):
                    return found
            assert select.select([self._events], [], [], deadline - time.monotonic())[0], "Chromium does not answer"
            part = os.read(self._events, 1 << 20)
            assert part, "Chromium has ended"
            self._unread += part

    def open(self, path, width, *schemes):
        """What a page shows at a width, with everything that it asked for or complained of.

        The first of the colour schemes holds while it loads, the others follow one after another.
        """
        self.events.clear()
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable", session)
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", session, **size)
        self._prefer(session, *schemes[:1])
        self.ask("Page.navigate", session, url=path.as_uri())
        self.wait_for("Page.loadEventFired")
        facts = self._facts(session)
        for scheme in schemes[1:]:
            facts = self._changed(session, scheme, facts["dots"])
        self.ask("Target.closeTarget", targetId=target)
        return facts | {"complaints": self._complaints(), "requests": self._requests(path)}

    def _facts(self, session):
        return self.ask("Runtime.evaluate", session, expression=FACTS, returnByValue=True)["result"]["value"]

    def _changed(self, session, scheme, dots):
        """The facts once the figures have taken another colour, which takes the browser a frame or more."""
        self._prefer(session, scheme)
        deadline = time.monotonic() + PATIENCE
        while (facts := self._facts(session))["dots"] == dots and time.monotonic() < deadline:
            time.sleep(0.05)
        return facts

    def _prefer(self, session, scheme="light"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.ask("Emulation.setEmulatedMedia", session, features=features)

    def _complaints(self):
        kinds = (
            "Runtime.exceptionThrown",
            "Log.entryAdded",
            "Page.javascriptDialogOpening",
            "Runtime.consoleAPICalled",
        )
        return [event["params"] for event in self.events if event["method"] in kinds]

    def _requests(self, path):
        sent = [event["params"]["request"]["url"] for event in self.events if event["method"].endswith("WillBeSent")]
        return [url for url in sent if url != path.as_uri() and not url.startswith("data:")]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.mark.parametrize(
    ("name", "width"),
    [
        ("searched", 1280),
        ("searched", 390),
        ("hostile", 1280),
        ("hostile", 390),
        ("large", 390),
        ("regressed", 390),
        ("single", 390),
    ],
)
def test_the_page_is_whole_quiet_and_fits(browser, name, width, request, run):
    evidence = request.getfixturevalue(name)
    page = browser.open(write_html(evidence, run), width)
    assert page["complaints"] == []
    assert page["requests"] == []
    assert page["drawn"] == page["places"] > 3
    assert page["wide"] == 0
    assert page["width"] == width
    assert page["scroll"] <= width
    assert page["pictures"] == 9 * len(evidence.gallery)
    assert page["title"] == f"{evidence.data.name} · Bridle report"


def test_the_policy_stops_what_escaping_would_miss(browser, bare, run):
    path = write_html(bare, run)
    hole = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\"></main>"
    path.write_text(path.read_text(encoding="utf-8").replace("</main>", hole), encoding="utf-8")
    page = browser.open(path, 1280)
    assert page["title"] == "data · Bridle report"
    assert len(page["complaints"]) >= 2


def test_figures_follow_the_reader_into_the_dark(browser, regressed, run):
    path = write_html(regressed, run)
    dark = browser.open(path, 1280, "light", "dark")
    assert (dark["paper"], dark["dots"]) == ("rgb(21, 24, 28)", "rgb(86, 180, 233)")
    light = browser.open(path, 1280, "dark", "light")
    assert (light["paper"], light["dots"]) == ("rgb(255, 255, 255)", "rgb(0, 114, 178)")
    assert dark["complaints"] == light["complaints"] == []
