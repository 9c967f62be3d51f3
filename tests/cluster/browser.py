# SPDX-License-Identifier: BSD-3-Clause
"""Drive Debian's Chromium over WebDriver, without packages of Python: browser.py FOLDER VERB WORD...

	open URL               start chromedriver and a browser, and open the page
	await MS SCRIPT        until the expression is true; prints the milliseconds that it took
	look SCRIPT            have the page look each 10 ms whether the expression is true, until it is
	looked SINCE LIMIT     print the milliseconds from SINCE, the time in milliseconds, until it was
	value SCRIPT           print the value of the expression
	scheme dark|light      the colours that the reader prefers
	width PIXELS           the width of the viewport
	tab                    press the tab key; print the element that has the keyboard's focus then
	walk                   the same from the top of the page, until the focus leaves it: "end"
	key NAME               press ArrowRight, ArrowDown or Enter
	complaints [ALLOWED]   print what the console got since it was asked last, without lines that match ALLOWED
	picture FILE           save the page as PNG
	close                  end both

SCRIPT is an expression of JavaScript, or its file as @FILE. The folder keeps the state between two calls.
"""
import base64
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         # A browser that nobody looks at gives the page's timers less than their time.
         "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
         "--disable-backgrounding-occluded-windows"]
PORT = 9515
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "ArrowRight": "\ue014", "ArrowDown": "\ue015"}


def call(method, path, body=None, limit=60):
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", method=method,
                                     data=None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=limit) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path}: {error.read().decode()[:800]}")


class Browser:
    def __init__(self, folder):
        self.folder = folder
        try:
            with open(f"{folder}/session", encoding="utf-8") as file:
                self.driver, session = file.read().split()
            self.base = f"/session/{session}"
        except FileNotFoundError:
            self.base = None

    def run(self, script):
        script = script.strip()
        if script.startswith("@"):
            with open(script[1:], encoding="utf-8") as file:
                script = file.read()
        else:
            script = f"return ({script});"
        return call("POST", f"{self.base}/execute/sync", {"script": script, "args": []})

    def open(self, url):
        with open(f"{self.folder}/driver.log", "wb") as log:
            driver = subprocess.Popen(["chromedriver", f"--port={PORT}"], stdout=log, stderr=log, start_new_session=True)
        for _ in range(300):
            try:
                if call("GET", "/status")["ready"]:
                    break
            except OSError:
                time.sleep(0.1)
        options = {"args": [*FLAGS, f"--user-data-dir={self.folder}/profile", "--window-size=1280,900"]}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        session = call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}}, 120)["sessionId"]
        with open(f"{self.folder}/session", "w", encoding="utf-8") as file:
            file.write(f"{driver.pid} {session}")
        self.base = f"/session/{session}"
        call("POST", f"{self.base}/url", {"url": url})

    # "await" is a word of Python's own.
    def await_(self, limit_ms, script):
        begin = time.monotonic()
        while True:
            value = self.run(script)
            passed_ms = round((time.monotonic() - begin) * 1000)
            if value:
                print(passed_ms)
                return
            if passed_ms > int(limit_ms):
                sys.exit(f"not within {limit_ms} ms: {script}")
            time.sleep(0.02)

    def look(self, script):
        call("POST", f"{self.base}/execute/sync", {"args": [], "script": f"""
            clearInterval(window.looking);
            window.looked = null;
            window.looking = setInterval(() => {{
                if (!({script}))
                    return;
                window.looked = Date.now();
                clearInterval(window.looking);
            }}, 10);"""})

    def looked(self, since_ms, limit_ms):
        # A loaded machine may be late to ask, which is not the page's fault.
        while time.time() * 1000 < int(since_ms) + int(limit_ms) + 10000:
            at_ms = self.run("window.looked")
            if at_ms is not None:
                print(at_ms - int(since_ms))
                sys.exit(at_ms - int(since_ms) > int(limit_ms))
            time.sleep(0.02)
        sys.exit("never")

    def value(self, script):
        value = self.run(script)
        print(value if isinstance(value, str) else json.dumps(value))

    def devtools(self, command, **parameters):
        call("POST", f"{self.base}/goog/cdp/execute", {"cmd": command, "params": parameters})

    def scheme(self, name):
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def width(self, pixels):
        self.devtools("Emulation.setDeviceMetricsOverride", width=int(pixels), height=900, deviceScaleFactor=1, mobile=False)

    def key(self, name):
        strokes = [{"type": kind, "value": KEYS[name]} for kind in ("keyDown", "keyUp")]
        call("POST", f"{self.base}/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]})

    def tab(self):
        self.key("Tab")
        place = self.run("""(() => {
            const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
            if (at === document.body || at === document.documentElement)
                return "end";
            const isSeen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 &&
                box.width > 0 && box.right > 0 && box.bottom > 0 && box.left < innerWidth && box.top < innerHeight;
            return `${isSeen ? "seen" : "unseen"} ${at.id || at.getAttribute("href") || at.getAttribute("aria-labelledby")}`;
        })()""")
        print(place)
        return place

    def walk(self):
        # The browser goes on from the element that had the focus last.
        self.run("""(() => {
            document.body.tabIndex = -1;
            document.body.focus();
            document.body.removeAttribute("tabindex");
            scrollTo(0, 0);
        })()""")
        for _ in range(40):
            if self.tab() == "end":
                return
        sys.exit("the focus does not leave the page")

    def complaints(self, allowed=None):
        entries = call("POST", f"{self.base}/se/log", {"type": "browser"})
        lines = [f"{entry['level']} {entry['source']}: {entry['message']}" for entry in entries]
        for line in lines:
            if allowed is None or not re.search(allowed, line):
                print(line)

    def picture(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(call("GET", f"{self.base}/screenshot")))

    def close(self):
        call("DELETE", self.base)
        os.kill(int(self.driver), 15)


browser = Browser(sys.argv[1])
getattr(browser, "await_" if sys.argv[2] == "await" else sys.argv[2])(*sys.argv[3:])
