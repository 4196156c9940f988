# SPDX-License-Identifier: MIT
"""browser.py: a headless Chromium, spoken to over a pair of pipes."""
import json
import os
import shutil
import subprocess
import tempfile

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find():
    """The browser's path, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page of one browser.  What the page says on its console or is refused is in self.said, what it
    loads in self.loaded."""

    def __init__(self, program):
        self.said, self.loaded, self.number, self.rest = [], [], 0, b""
        self.home = tempfile.mkdtemp(prefix="gtrace-browser.")
        to_read, self.to = os.pipe()
        self.of, of_write = os.pipe()

        def pipes():  # the browser reads from 3 and writes to 4
            to_copy, of_copy = os.dup(to_read), os.dup(of_write)
            os.dup2(to_copy, 3)
            os.dup2(of_copy, 4)

        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
             "--disable-dev-shm-usage", "--user-data-dir=" + self.home, "about:blank"],
            preexec_fn=pipes, pass_fds=(3, 4), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        os.close(to_read)
        os.close(of_write)
        target = self.call("Target.createTarget", url="about:blank", session=None)["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True,
                                 session=None)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.call(domain + ".enable")

    def read(self):
        """The next message."""
        while b"\0" not in self.rest:
            more = os.read(self.of, 1 << 20)
            if not more:
                raise EOFError("the browser went away")
            self.rest += more
        message, self.rest = self.rest.split(b"\0", 1)
        message = json.loads(message)
        what = message.get("params", {})
        if message.get("method") == "Log.entryAdded":
            self.said.append(what["entry"]["text"])
        elif message.get("method") == "Runtime.consoleAPICalled":
            self.said.append(str(what["args"]))
        elif message.get("method") == "Runtime.exceptionThrown":
            self.said.append(str(what["exceptionDetails"]))
        elif message.get("method") == "Network.requestWillBeSent":
            self.loaded.append(what["request"]["url"])
        return message

    def call(self, method, session="", **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(method + ": " + answer["error"]["message"])
                return answer["result"]

    def open(self, url, width=1200, height=900, scheme="light"):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=False)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url="about:blank")
        self.said.clear()
        self.loaded.clear()
        self.call("Page.navigate", url=url)
        while self.read().get("method") != "Page.loadEventFired":
            pass

    def ask(self, script):
        """The value of a JavaScript expression."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(script + ": " + str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def press(self, key):
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                      windowsVirtualKeyCode={"Tab": 9, "Enter": 13}[key])

    def close(self):
        os.close(self.to)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.of)
        shutil.rmtree(self.home, ignore_errors=True)
