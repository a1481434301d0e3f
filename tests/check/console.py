"""A person at the console: runs, approvals, several conversations, a log that follows, narrow windows, hostile text, a lost daemon.

`scripts/check.sh console --screenshot` takes docs/console.png instead: the README's two questions to the default model."""
import json
import pathlib
import subprocess
import tempfile

from tests.support import suite
from tests.support.browser import Browser
from tests.support.daemon import Daemon, free_port

PICTURE = suite.ROOT / "docs/console.png"
QUESTIONS = ("What is 17.5% of 2340?", "What time is it in Tokyo right now?")  # those of scripts/quickstart.sh

LAST = "[...document.querySelectorAll('.message.assistant')].at(-1)?.textContent"
ANSWERS = "[...document.querySelectorAll('.message.assistant')].map(m => m.textContent.length)"
ENDED = "document.querySelectorAll('#log .note > button').length"
TO_END = "byId('log').scrollHeight - byId('log').clientHeight - byId('log').scrollTop"
TALL = json.dumps("\n".join(f"line {i}" for i in range(120)))


def send(page, text):
    page.run(f"byId('message').value = {json.dumps(text)}; byId('compose').requestSubmit()")


def fresh(page):
    page.run("byId('fresh').click()")


def open_titled(page, beginning):
    """Opens the newest conversation whose title begins so, by its entry in the list."""
    entry = f"[...document.querySelectorAll('#conversations button')].find(b => b.textContent.startsWith({json.dumps(beginning)}))"
    page.wait_for(f"!!{entry}", f"{beginning} in the list")
    page.run(f"{entry}.click()")


def ends(page, n):
    page.wait_for(f"{ENDED} >= {2 * n}", f"the end of run {n}")


def a_run_with_calls(page, _daemon):
    send(page, 'call add {"a": 20, "b": 22} ; wait {"ms": 50}')
    ends(page, 1)
    assert page.run("document.querySelectorAll('.card.done').length") == 2
    assert page.run("document.querySelector('.card .result').textContent") == "42"
    assert page.run(LAST) == "got: 42 waited", page.run(LAST)
    assert page.run("document.querySelectorAll('#conversations li').length") == 1


def an_approval(page, daemon):
    send(page, 'call ask_first {"n": 1}')
    page.wait_for("!!document.querySelector('.card.waiting footer button')")
    assert not daemon.effects()
    page.run("document.querySelector('.card.waiting footer button').click()")
    page.wait_for(f"{LAST} === 'got: sent'", "the answer after the approval")
    assert len(daemon.effects()) == 1


def whole_arguments_of_an_approval(page, _daemon):
    """An approval shows the call exactly as it will run: no number rounded, nothing cut, nothing hidden."""
    fresh(page)
    arguments = '{"n":1,"big":12345678901234567890,"10":1,"9":2,"text":"' + "long " * 800 + 'end, of: it"}'
    send(page, "call ask_first " + arguments)
    page.wait_for("!!document.querySelector('.card.waiting footer button')")
    shown = page.run("document.querySelector('.card .arguments').textContent")
    assert shown.replace('": ', '":').replace(', "', ',"') == arguments, shown[:200]
    assert page.run("(a => a.scrollHeight <= a.clientHeight + 1 && a.scrollWidth <= a.clientWidth + 1)(document.querySelector('.card .arguments'))")


def two_at_once(page, daemon):
    """Two conversations run; output of one does not appear in the other, and all of it is there once on returning."""
    before = len(daemon.effects())
    fresh(page)
    send(page, "slow 300")
    page.wait_for(f"({LAST} || '').length > 50")
    fresh(page)
    send(page, 'call ask_first {"n": 2}')
    page.wait_for("!!document.querySelector('.card.waiting footer button')")
    ends(page, 1)
    fresh(page)
    send(page, "slow 299")
    page.wait_for(f"({LAST} || '').length > 50")
    assert page.run("document.querySelectorAll('.card, .note').length") == 0, "another conversation's card or end"
    open_titled(page, "slow 300")
    page.wait_for(f"({LAST} || '').length === 1500", "the whole first answer")
    ends(page, 1)
    assert page.run(ANSWERS) == [1500] and page.run(ENDED) == 2, (page.run(ANSWERS), page.run(ENDED))
    assert page.run("[...byId('log').querySelectorAll('.message, .card, .note')].map(n => n.className).join()") == "message user,message assistant,note"
    page.run("document.querySelector('#log .note > button').click()")
    page.wait_for("document.querySelector('#log .note').textContent.includes('rated good')")
    open_titled(page, "call ask_first {\"n\": 2}")
    page.wait_for("document.querySelectorAll('.card.waiting footer button').length === 3", "the approval that waits")
    assert page.run("document.querySelectorAll('.message.assistant').length") == 0 and len(daemon.effects()) == before
    page.run("document.querySelector('.card.waiting footer button').click()")
    open_titled(page, "slow 299")  # at once: the approved call and the answer after it belong to the conversation that is left
    page.wait_for(f"({LAST} || '').length === 1495", "the whole third answer")
    ends(page, 1)
    assert page.run(ANSWERS) == [1495] and page.run("document.querySelectorAll('.card').length") == 0
    open_titled(page, "call ask_first {\"n\": 2}")
    page.wait_for(f"{LAST} === 'got: sent'", "the answer after the approval")
    assert len(daemon.effects()) == before + 1
    rated = page.run("""(async () => {
        const ids = (await api("GET", "/v1/baton/conversations?limit=50")).data.map(c => [c.id, c["baton.title"]]);
        const found = {};
        for (const [id, title] of ids) {
          const items = (await api("GET", `/v1/conversations/${id}/items?limit=100`)).data;
          for (const response of new Set(items.map(i => i["baton.response_id"]))) {
            const rating = (await api("GET", `/v1/responses/${response}`))["baton.rating"];
            if (rating) found[title] = rating.rating;
          }
        }
        return found;
    })()""")
    assert rated == {"slow 300": "good"}, rated


def drafts_stay(page, _daemon):
    """Text typed in one conversation is not sent in another."""
    fresh(page)
    page.run("byId('message').value = 'half a thought'")
    open_titled(page, "slow 300")
    page.wait_for(f"({LAST} || '').length === 1500")
    assert page.run("byId('message').value") == ""
    fresh(page)
    assert page.run("byId('message').value") == "half a thought"
    page.run("byId('message').value = ''")


def other_clients(page, _daemon):
    """Another client runs or continues a response in a conversation that is open here."""
    post = "api('POST', '/v1/responses', {tools: [], %s}).then(r => r.conversation.id)"
    running = page.run(post % "input: 'slow 200', background: true")
    page.run(f"openConversation('{running}')")
    page.wait_for(f"({LAST} || '').length === 1000", "the answer to another client")
    ends(page, 1)
    assert page.run(ANSWERS) == [1000] and page.run("document.querySelectorAll('.message.user').length") == 1
    fresh(page)
    send(page, "say first")
    ends(page, 1)
    continued = page.run("shown.id")
    page.run(post % f"input: 'say elsewhere', conversation: '{continued}'")
    send(page, "say here")  # in a copy: the other message was not seen here
    page.wait_for(f"shown.id !== '{continued}' && {LAST} === 'here' && {ENDED} === 2", "the answer in a copy of the conversation")
    assert page.run(ANSWERS) == [5, 4] and page.run("document.querySelectorAll('.message.user').length") == 2
    page.run(f"openConversation('{continued}')")
    page.wait_for(f"{LAST} === 'elsewhere'", "what the other client did")
    send(page, "slow 4000")
    page.wait_for("!byId('cancel').hidden")
    page.run("byId('cancel').click()")
    page.wait_for("[...document.querySelectorAll('#log .note')].at(-1).textContent.startsWith('cancelled')", "the end of what was cancelled")
    page.run("openConversation('conv_0')")
    page.wait_for("document.querySelector('#log .note.bad')?.textContent.includes('conv_0')", "that there is no such conversation")
    page.complaints[:] = [c for c in page.complaints if "404" not in c]
    send(page, "say anyway")
    page.wait_for(f"{LAST} === 'anyway'")


def a_response_that_ends_while_it_is_read(page, _daemon):
    """The items are read while it runs, its state after its end: nothing is missing."""
    page.run("""(async () => {
        const response = await api("POST", "/v1/responses", {input: "slow 100", background: true}), plain = window.plainApi = api;
        const running = async () => (await plain("GET", "/v1/responses/" + response.id)).status === "in_progress";
        api = async (method, path) => {
          const reply = await plain(method, path);
          while (path.includes("order=asc") && await running());
          return reply;
        };
        openConversation(response.conversation.id);
    })()""")
    ends(page, 1)
    page.run("api = plainApi")
    assert page.run(ANSWERS) == [500] and page.run("document.querySelectorAll('.message.user').length") == 1, page.run(ANSWERS)


def a_log_that_follows(page, _daemon):
    fresh(page)
    send(page, f'call echo {{"text": {TALL}}}')
    ends(page, 1)
    page.wait_for(f"byId('log').scrollHeight > 2 * byId('log').clientHeight && {TO_END} <= 1", "the end after a tall card", 5)
    assert page.run("byId('to-end').hidden")
    send(page, "slow 400")
    page.wait_for(f"({LAST} || '').startsWith('w1000')")
    page.command("Input.dispatchMouseEvent", type="mouseWheel", x=700, y=300, deltaX=0, deltaY=-400)
    page.wait_for("!byId('to-end').hidden", "a way back to the end")
    page.wait_for(f"({LAST} || '').length === 2000")
    ends(page, 2)
    assert page.run(TO_END) > 100, f"it was pulled to the end: {page.run(TO_END)}"
    page.run("byId('to-end').click()")
    assert page.run(TO_END) <= 1 and page.run("byId('to-end').hidden")
    send(page, f'call echo {{"text": {TALL}}}')
    ends(page, 3)
    page.wait_for(f"{TO_END} <= 1", "the end, followed again", 5)


def narrow_windows(page, _daemon):
    fresh(page)
    table = "| " + " | ".join(f"column {i}" for i in range(30)) + " |"
    text = json.dumps("W" * 600 + "\n" + table + "\n\tint " + "x" * 300 + ";")
    send(page, f'call echo {{"text": {text}, "{"k" * 200}": [{"1234567890, " * 60}1]}} ; no_such_{"n" * 200} {{}}')
    ends(page, 1)
    send(page, f'call ask_first {{"n": 3, "text": {text}}}')
    page.wait_for("!!document.querySelector('.card.waiting footer button')")
    ends(page, 2)
    try:
        for width in (1280, 320, 400, 768):
            page.command("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
            page.wait_for(f"innerWidth === {width}")
            wide = page.run("document.scrollingElement.scrollWidth")
            assert wide <= width, f"the page is {wide} wide at {width}"
            assert page.run("byId('log').scrollWidth <= byId('log').clientWidth"), f"the log scrolls sideways at {width}"
            outside = page.run("""[...document.querySelectorAll('#send, #message, #fresh, #log .card, #log .card *, #log .message, #log .note, footer button')]
                .filter(n => n.offsetParent && (n.getBoundingClientRect().right > innerWidth || n.getBoundingClientRect().left < 0)).map(n => n.outerHTML.slice(0, 60))""")
            assert not outside, (width, outside)
            assert page.run("(r => r.width > 0 && r.top >= 0 && r.bottom <= innerHeight)(byId('send').getBoundingClientRect())"), f"Send at {width}"
            assert page.run("byId('log').clientHeight") > 300, "little is left for the log"
            page.wait_for(f"{TO_END} <= 1", f"the end at {width}", 5)
            page.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")  # the page has seen its new size
            page.run("byId('log').scrollTop -= 50")
            page.wait_for("!byId('to-end').hidden", f"a way back to the end at {width}", 5)
            page.run("byId('to-end').click()")
        assert page.run("byId('fold').offsetParent === null"), "a wide page folds nothing"
        page.command("Emulation.setDeviceMetricsOverride", width=400, height=700, deviceScaleFactor=1, mobile=False)
        assert page.run("innerWidth === 400 && byId('conversations').offsetParent === null"), "the list is not folded away"
        page.run("byId('fold').click()")
        page.wait_for(f"{TO_END} <= 1 && byId('to-end').hidden", "the end in a log that became smaller", 5)
        assert page.run("byId('conversations').offsetParent !== null && document.scrollingElement.scrollWidth <= 400")
        open_titled(page, "slow 300")
        page.wait_for("byId('conversations').offsetParent === null", "the list folded away again")
    finally:
        page.command("Emulation.setDeviceMetricsOverride", width=1200, height=800, deviceScaleFactor=1, mobile=False)


def hostile_text(page, _daemon):
    """Control characters and those that turn the order of text are shown, in titles, messages, arguments and results; nothing becomes markup."""
    nasty = "\u202egnp.exe\u2066 \u001b[31m\u0007\u009b\u200b<img src=x onerror='window.broken=1'><b>x</b>"
    fresh(page)
    send(page, "say " + nasty)
    ends(page, 1)
    send(page, f'call echo {{"text": {json.dumps(nasty)}}}')
    ends(page, 2)
    page.wait_for("[...document.querySelectorAll('#conversations button')].some(b => b.textContent.includes('gnp.exe'))")
    left = page.run(r"(document.body.textContent.match(/[\0-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069]/g) || []).map(c => c.codePointAt(0).toString(16))")
    assert left == [], left
    for what in (".message.user", ".message.assistant", ".card .result", "#conversations button[aria-current=true]"):
        shown = page.run(f"document.querySelector({json.dumps(what)}).textContent")
        assert "<U+202E>gnp.exe<U+2066> \u241b[31m" in shown, (what, shown)
    assert page.run("document.querySelectorAll('img, .message b, .result b').length") == 0 and not page.run("window.broken")
    assert page.run("visible('a\\r\\nb\\tc\u200d\U0001f600')") == "a\nb\tc\u200d\U0001f600"


def a_reload_in_mid_run(page, _daemon):
    fresh(page)
    send(page, "slow 200")
    page.wait_for(f"({LAST} || '').length > 50")
    page.command("Page.reload")
    page.wait_for("byId('status')?.textContent === 'connected'")
    page.wait_for(f"({LAST} || '').length === 1000", "the whole text, once")
    assert page.run("document.querySelectorAll('.message.user').length") == 1


def steering(page, _daemon):
    fresh(page)
    send(page, 'call wait {"ms": 300}')
    page.wait_for("byId('send').textContent === 'Steer'")
    send(page, "say steered")
    page.wait_for(f"{LAST} === 'steered'", "the successor's answer")
    page.wait_for("byId('send').textContent === 'Send'")
    send(page, "say after")
    page.wait_for(f"{LAST} === 'after'")
    assert page.run("document.querySelectorAll('.message.user').length") == 3


def a_daemon_killed_in_mid_run(page, daemon):
    """Runs continue, also in the conversation that is not shown; messages sent meanwhile are delivered when the daemon is back, once."""
    fresh(page)
    send(page, 'call wait {"ms": 1400} ; add {"a": 3, "b": 4}')
    page.wait_for("!!document.querySelector('.card.done')")
    fresh(page)
    send(page, 'call wait {"ms": 1500} ; add {"a": 1, "b": 2}')
    page.wait_for("!!document.querySelector('.card.done')")
    fresh(page)
    daemon.kill()
    page.wait_for("byId('status').textContent.includes('lost')")
    send(page, "say late")
    daemon.start()
    page.wait_for(f"{LAST} === 'late'", "the message that waited")
    open_titled(page, 'call wait {"ms": 1500}')
    page.wait_for(f"({LAST} || '').startsWith('got:')", "the answer after the daemon came back")
    open_titled(page, 'call wait {"ms": 1400}')
    page.wait_for(f"({LAST} || '').startsWith('got:')", "the other answer")
    assert page.run("document.querySelectorAll('.card').length") >= 2
    assert page.run("[...document.querySelectorAll('#conversations button')].filter(b => b.textContent === 'say late').length") == 1


def the_tools(page, _daemon):
    assert "add" in page.run("byId('tools').textContent") and "ask" in page.run("byId('tools').textContent")


PARTS = (a_run_with_calls, an_approval, the_tools, two_at_once, drafts_stay, other_clients, a_response_that_ends_while_it_is_read,
         a_log_that_follows, narrow_windows, whole_arguments_of_an_approval, hostile_text, a_reload_in_mid_run, steering,
         a_daemon_killed_in_mid_run)


def add_options(parser):
    parser.add_argument("--screenshot", action="store_true", help="take docs/console.png with the default model, and check nothing else")


def take_screenshot(baton):
    """The row of a picture that was taken."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="baton-console-") as folder:
        journal = pathlib.Path(folder) / "journal.db"
        command = [baton, "--config", "", "--journal", str(journal), "serve", "--port", str(port)]
        daemon = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            if not any(line.startswith("http") or "http://" in line for line in daemon.stdout):
                raise suite.Unavailable(f"`baton serve` does not start: {baton} pull fetches the default model")
            with Browser(f"http://127.0.0.1:{port}/", 1200, 860) as page:
                page.wait_for("byId('status')?.textContent === 'connected'")
                for n, question in enumerate(QUESTIONS, 1):
                    send(page, question)
                    page.wait_for(f"{ENDED} >= {2 * n}", question, 300)
                page.picture(PICTURE)
        finally:
            daemon.terminate()
            daemon.wait(30)
    return suite.row("the console's picture", "taken", target="taken", ok=True, note=str(PICTURE.relative_to(suite.ROOT)))


def rows(baton, _models_dir, _quick, options):
    if options.screenshot:
        yield take_screenshot(baton)
        return
    with Daemon() as daemon, Browser(daemon.url + "/") as page:
        page.wait_for("byId('status')?.textContent === 'connected'")
        for part in PARTS:
            note, ok = "", True
            try:
                part(page, daemon)
            except Exception as error:  # the others still run
                note, ok = f"{type(error).__name__}: {error} … {page.run('byId(`log`).innerText.slice(-200)')!r}", False
            yield suite.row(f"console: {part.__name__.replace('_', ' ')}", "passed" if ok else "failed", target="passed", ok=ok, note=note)
        broken = [c for c in page.complaints if "ERR_CONNECTION_REFUSED" not in c and "WebSocket connection" not in c]
        yield suite.row("complaints of the browser (errors, policy)", len(broken), target="0", ok=not broken, note="; ".join(broken)[:300])
