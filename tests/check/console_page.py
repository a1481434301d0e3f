"""A person at the console: a run with calls, an approval, a reload and a lost daemon in mid-run."""
import time

import suite
from browser import Browser
from daemon import Daemon

TEXT = "[...document.querySelectorAll('.message.assistant')].map(m => m.textContent)"
LAST = "[...document.querySelectorAll('.message.assistant')].at(-1)?.textContent"


def send(page, text):
    page.run(f"byId('message').value = {text!r}; byId('compose').requestSubmit()")


def ends(page, n):
    page.wait_for(f"document.querySelectorAll('#log > .note > button').length >= {2 * n}", f"the end of run {n}")


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


def a_reload_in_mid_run(page, _daemon):
    page.run("byId('fresh').click()")
    send(page, "slow 200")
    page.wait_for(f"({LAST} || '').length > 50")
    page.command("Page.reload")
    page.wait_for("byId('status')?.textContent === 'connected'")
    page.wait_for(f"({LAST} || '').length === 1000", "the whole text, once")
    assert page.run("document.querySelectorAll('.message.user').length") == 1


def a_daemon_killed_in_mid_run(page, daemon):
    page.run("byId('fresh').click()")
    send(page, 'call wait {"ms": 1500} ; add {"a": 1, "b": 2}')
    page.wait_for("!!document.querySelector('.card.done')")
    daemon.kill()
    page.wait_for("byId('status').textContent.includes('lost')")
    daemon.start()
    page.wait_for(f"({LAST} || '').startsWith('got:')", "the answer after the daemon came back")


def the_tools(page, _daemon):
    assert "add" in page.run("byId('tools').textContent") and "ask" in page.run("byId('tools').textContent")


def rows(_baton, _models_dir, _quick):
    with Daemon() as daemon, Browser(daemon.url + "/") as page:
        page.wait_for("byId('status')?.textContent === 'connected'")
        for part in (a_run_with_calls, an_approval, the_tools, a_reload_in_mid_run, a_daemon_killed_in_mid_run):
            note, ok = "", True
            try:
                part(page, daemon)
            except Exception as error:  # the others still run
                note, ok = f"{type(error).__name__}: {error} {page.run('byId(`log`).innerText')!r}"[:400], False
            yield suite.row(f"console: {part.__name__.replace('_', ' ')}", "passed" if ok else "failed", target="passed", ok=ok, note=note)
        broken = [c for c in page.complaints if "ERR_CONNECTION_REFUSED" not in c and "WebSocket connection" not in c]
        yield suite.row("complaints of the browser (errors, policy)", len(broken), target="0", ok=not broken, note="; ".join(broken)[:300])
