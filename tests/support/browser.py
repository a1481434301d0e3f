"""Chromium, headless, driven over its debugging protocol."""
import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request

from tests.support import suite
from tests.support.daemon import free_port


class Browser:
    def __init__(self, url, width=1200, height=800):
        try:
            from websockets.sync.client import connect
        except ImportError:
            raise suite.Unavailable("the websockets package is not installed: pip install websockets")
        program = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
        if not program:
            raise suite.Unavailable("no Chromium here: apt install chromium")
        self.profile = tempfile.TemporaryDirectory(prefix="baton-browser-", ignore_cleanup_errors=True)
        port = free_port()
        self.process = subprocess.Popen([program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--remote-debugging-port={port}",
                                         f"--user-data-dir={self.profile.name}", f"--window-size={width},{height}", "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        target = self.wait(lambda: self.page_of(port), "Chromium's page")
        self.socket = connect(target, max_size=1 << 26)
        self.number = 0
        self.complaints = []  # errors of the page, violations of its policy
        for domain in ("Page", "Runtime", "Log"):
            self.command(f"{domain}.enable")
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.command("Page.navigate", url=url)

    @staticmethod
    def page_of(port):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=2) as reply:
                pages = [p for p in json.load(reply) if p["type"] == "page"]
            return pages[0]["webSocketDebuggerUrl"] if pages else None
        except OSError:
            return None

    def command(self, method, **parameters):
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv(timeout=20))
            if message.get("id") == self.number:
                return message.get("result", {})
            if message.get("method") == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
                self.complaints.append(message["params"]["entry"]["text"])
            if message.get("method") == "Runtime.exceptionThrown":
                self.complaints.append(message["params"]["exceptionDetails"]["text"])

    def run(self, script):
        result = self.command("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        return result.get("result", {}).get("value")

    def wait(self, condition, what, seconds=20):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            value = condition()
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(f"{what} did not come within {seconds} s")

    def wait_for(self, script, what=None, seconds=20):
        return self.wait(lambda: self.run(script), what or script, seconds)

    def picture(self, path):
        with open(path, "wb") as out:
            out.write(base64.b64decode(self.command("Page.captureScreenshot", format="png")["data"]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.process.terminate()
        self.process.wait(10)
        self.profile.cleanup()
