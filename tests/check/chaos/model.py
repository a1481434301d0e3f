"""The model of the daemon in the suite chaos: the answers that clients got, the facts that follow from them, and the differences from the
daemon's state."""
import asyncio
import collections
import json
import sqlite3
import time

TERMINAL = ("response.completed", "response.failed", "response.incomplete")
STATUSES = {"response.completed": {"completed"}, "response.failed": {"failed"}, "response.incomplete": {"incomplete", "cancelled"}}
KINDS = {
    "crash": "crashes",
    "500": "unexpected 500s",
    "end": "runs without exactly one end",
    "gap": "gaps, doubled or different events",
    "effect": "effects doubled, lost or refused and done",
    "hang": "hanging requests",
    "lost": "told and lost",
    "kept": "unstored responses that are kept or listed",
    "answer": "answers that the protocol does not foresee",
}


class Run:
    """A response, as clients know it."""

    def __init__(self, id_, stored, client, conversation):
        self.id, self.stored, self.client, self.conversation = id_, stored, client, conversation
        self.log, self.told, self.merged = [], {}, []
        self.events = []  # those in the journal, once it was read
        self.status = None  # the reported status at its end
        self.last = None  # the reported number of its terminal event
        self.deletions = 0  # done, or perhaps done
        self.calls = []  # function calls that wait for the client

    def may_be_gone(self):
        return not self.stored or self.deletions > 0 or (self.conversation and self.conversation.deletions > 0)


class Conversation:
    def __init__(self, id_):
        self.id, self.deletions, self.edited, self.items = id_, 0, False, []


class Approval:
    def __init__(self, id_, run, n):
        self.id, self.run, self.n = id_, run, n
        self.approving = 0  # approvals that were sent
        self.tries = 0  # of any answer
        self.refused = False  # one refusal was accepted before any approval was sent


def numbered(event):
    """False: sent beside the stream (steering, a full disk), without a place in it."""
    type_ = event.get("type", "")
    return "sequence_number" in event and type_ not in ("error", "response.steer.failed", "response.steer.pending") and (
        type_.startswith("response.") or type_ in ("baton.mcp_call.progress", "baton.output_item.abandoned"))


class World:
    def __init__(self, seed, daemon):
        self.seed, self.daemon = seed, daemon
        self.began = time.monotonic()
        self.counts, self.details = collections.Counter(), []
        self.answers = collections.Counter()  # request and status, for readers of the output
        self.runs, self.conversations, self.approvals = {}, {}, []
        self.recent = collections.deque(maxlen=60)  # runs
        self.open_approvals = collections.deque(maxlen=20)
        self.unstored_conversations = set()
        self.generation, self.up = 0, asyncio.Event()  # generation: rises when the daemon is about to end
        self.pace = 0  # seconds that a client waits between two operations, in the mean
        self.pause, self.under_way = False, 0  # clients begin nothing new; operations
        self.full_until = 0.0  # the disk is full, or was a moment ago
        self.number, self.operations = 0, 0
        self.verified, self.effects_seen = set(), 0
        self.once = set()  # numbers of creations with a key
        self.stopping = False

    def now(self):
        return time.monotonic() - self.began

    def next_number(self):
        self.number += 1
        return self.number

    def blame(self, kind, text, run=None):
        self.counts[kind] += 1
        if sum(1 for known, _ in self.details if known == kind) < 3:
            lines = run.log if run else []
            lines = lines if len(lines) <= 30 else lines[:10] + [f"         .. {len(lines) - 30} more"] + lines[-20:]
            log = "".join(f"\n      {line}" for line in lines)
            self.details.append((kind, f"{self.now():.2f} s: {text}" + (f"\n    {run.id} ({'stored' if run.stored else 'not stored'}):{log}" if run else "")))
            print(f"{kind}: {self.details[-1][1]}", flush=True)  # printed at once: a long run may be ended before its end

    # ---- observations of the clients

    def some_conversations(self):
        """The newest of those that are stored."""
        return [one for one in list(self.conversations.values())[-60:] if one.id not in self.unstored_conversations]

    def conversation(self, id_):
        if not id_:
            return None
        return self.conversations.setdefault(id_, Conversation(id_))

    def learn(self, response, stored, client, private=False):
        """response: its JSON, from a request or an event. private: no other client picks it, because a successor may follow on its lane."""
        id_, stored = response.get("id", ""), response.get("store", stored)
        run = self.runs.get(id_)
        if not run:
            named = (response.get("conversation") or {}).get("id")
            fresh = named not in self.conversations
            conversation = self.conversation(named)
            run = self.runs[id_] = Run(id_, stored, client, conversation)
            if not private:
                self.recent.append(run)
            if conversation and not stored and fresh:
                self.unstored_conversations.add(conversation.id)
            elif conversation and stored:
                self.unstored_conversations.discard(conversation.id)
        return run

    def told_status(self, run, response, before=None):
        """A response's JSON, requested or in its terminal event. before: the status that was known at the time of the request."""
        status = response.get("status")
        if status in ("queued", "in_progress", None):
            if before:
                self.blame("lost", f"ended as {before}, and later is {status}", run)
            return
        if run.status not in (None, status):
            self.blame("lost", f"ended as {run.status}, and later as {status}", run)
        run.status = status
        reason = (response.get("incomplete_details") or {}).get("reason") or ""
        if "second" in reason or "time" in reason:
            self.blame("end", f"ended by a budget of an hour: {reason}", run)
        for item in response.get("output") or []:
            self.learn_item(run, item)

    def learn_item(self, run, item):
        if item.get("type") == "mcp_approval_request" and all(known.id != item["id"] for known in self.approvals):
            try:
                n = json.loads(item["arguments"]).get("n")
            except ValueError:
                n = None
            approval = Approval(item["id"], run, n)
            self.approvals.append(approval)
            self.open_approvals.append(approval)
        if item.get("type") == "function_call" and item.get("call_id") not in [call["call_id"] for call in run.calls]:
            run.calls.append(item)

    def told_event(self, run, last, event, how, merges=False):
        """An event of a stream in which `last` was the previous one. Returns the new last one."""
        event = {key: value for key, value in event.items() if key != "stream_id"}
        if not numbered(event) or event.get("baton.repeated"):
            return last
        number = event["sequence_number"]
        merged = merges and event["type"].endswith(".delta") and number > last + 1
        if number != last + 1 and not merged:
            self.blame("gap", f"{how}: event {number} ({event['type']}) comes after {last}", run)
        if merged:
            run.merged.append((last, event))
        elif run.told.setdefault(number, event) != event:
            self.blame("gap", f"{how}: event {number} is {json.dumps(event)[:200]} and was {json.dumps(run.told[number])[:200]}", run)
        if event["type"] in TERMINAL:
            run.last = number
            self.told_status(run, event["response"])
        return number


class Journal:
    """The file's content at one moment: unstored responses may leave it at any time."""

    def __init__(self, file):
        self.connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10, isolation_level=None)
        self.connection.execute("BEGIN")

    def rows(self, sql, *values):
        return self.connection.execute(sql, values).fetchall()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


def open_runs(world):
    with Journal(world.daemon.journal) as journal:
        return journal.rows("SELECT id, status, reason, durable, attempts FROM responses WHERE status IN ('queued', 'in_progress')")


def check_journal(world):
    """Compares the runs and effects since the last time with the file."""
    with Journal(world.daemon.journal) as journal:
        integrity = journal.rows("PRAGMA quick_check")
        if integrity != [("ok",)]:
            world.blame("lost", f"the journal is damaged: {integrity[:3]}")
        times = collections.Counter()
        present = set()
        for id_, status, metadata in journal.rows("SELECT id, status, metadata FROM responses"):
            present.add(id_)
            if id_ not in world.verified:
                world.verified.add(id_)
                check_run(world, journal, id_, status)
            times[json.loads(metadata or "{}").get("n")] += 1
        for n in world.once:
            if times[str(n)] > 1:
                world.blame("effect", f"operation {n} was sent again with its key, and ran {times[str(n)]} times")
        for run in world.runs.values():
            if run.id not in present and not run.may_be_gone():
                world.blame("lost", "is not in the journal", run)
        check_effects(world, journal)
        return present


def check_run(world, journal, id_, status):
    run = world.runs.get(id_) or Run(id_, True, None, None)
    events = [{"type": type_, "sequence_number": number, **json.loads(data)}
              for number, type_, data in journal.rows("SELECT sequence_number, type, data FROM events WHERE response_id = ? ORDER BY sequence_number", id_)]
    numbers = [event["sequence_number"] for event in events]
    if numbers != list(range(len(numbers))):
        world.blame("gap", f"the journal has the events {numbers[:5]}..{numbers[-5:]}", run)
    ends = [event["type"] for event in events if event["type"] in TERMINAL]
    if len(ends) != 1 or events[-1]["type"] != ends[0] or status not in STATUSES.get(ends[0], ()):
        world.blame("end", f"{id_} has the status {status} and the terminal events {ends}, the last event is {events[-1]['type'] if events else 'none'}", run)
    run.events = events
    by_number = {event["sequence_number"]: event for event in events}
    for number, told in run.told.items():
        if by_number.get(number) != told:
            world.blame("lost", f"was told event {number} {json.dumps(told)[:200]}; the journal has {json.dumps(by_number.get(number))[:200]}", run)
            break
    for last, told in run.merged:
        parts = [by_number.get(number, {}) for number in range(last + 1, told["sequence_number"] + 1)]
        whole = "".join(str(part.get("delta", "?")) for part in parts)
        if whole != told.get("delta") or any(part.get("type") != told["type"] for part in parts):
            world.blame("gap", f"events {last + 1} to {told['sequence_number']} were told as one, '{told.get('delta')}', and are '{whole}'", run)
            break


def check_effects(world, journal):
    effects = world.daemon.effects()
    if len(effects) < world.effects_seen:
        world.blame("effect", f"{len(effects)} effects, of which there were {world.effects_seen}: the check itself is broken")
    world.effects_seen = len(effects)
    keys = collections.Counter(effect.rsplit(":", 1)[0] for effect in effects)
    numbers = collections.Counter(effect.rsplit(":", 1)[1] for effect in effects)
    for key, n in keys.items():
        if n > 1:
            world.blame("effect", f"the call with the key {key} ran {n} times")
    for number, n in numbers.items():
        if n > 1 and keys[next(effect for effect in effects if effect.endswith(f":{number}")).rsplit(":", 1)[0]] == 1:
            approval = next((one for one in world.approvals if str(one.n) == number), None)
            by = [effect.rsplit(":", 1)[0] for effect in effects if effect.endswith(f":{number}")]
            world.blame("effect", f"call {number} was asked for once and ran {n} times, with different keys: {', '.join(by)}", approval and approval.run)
    for approval in world.approvals:
        if approval.refused and numbers[str(approval.n)]:
            world.blame("effect", f"call {approval.n} ({approval.id}) was refused first and ran afterwards", approval.run)
        elif not approval.approving and numbers[str(approval.n)]:
            world.blame("effect", f"call {approval.n} ({approval.id}) ran before it was approved", approval.run)
    for response, key, status, result in journal.rows("SELECT response_id, idempotency_key, status, result FROM tool_invocations WHERE tool IN ('send', 'ask_first')"):
        done = status in ("done", "completed") and "sent" in result
        if done and keys[key] == 0:
            world.blame("effect", f"the call {key} of {response} is reported to have run and has no effect", world.runs.get(response))
        if status == "intent":
            world.blame("effect", f"the call {key} of {response} is still an intent though nothing runs", world.runs.get(response))
