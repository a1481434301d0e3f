"""The stored answers of BFCL: raw, one JSON line a case, by model, server and settings; and the requests for missing ones."""
import datetime
import hashlib
import json
import statistics
import sys
import time

from tests.bench.bfcl import cases as bfcl_cases
from tests.support import suite

ANSWER_SECONDS = 900  # a prompt of 6,000 tokens on a busy machine


def folder(model):
    return suite.cache_dir() / "bfcl" / model


class Answers:
    """The answers of one server with one model. The first line of the file has the settings under which they were given."""

    def __init__(self, model, server):
        self.settings = {**server.settings, **bfcl_cases.SETTINGS}
        key = hashlib.sha256(json.dumps(self.settings, sort_keys=True).encode()).hexdigest()[:12]
        self.path = folder(model) / f"{server.key}-{key}.jsonl"
        self.model, self.server, self.records = model, server, {}
        for record in read(self.path):
            if record["status"] == 200:  # an error is asked again
                self.records[record["id"]] = record

    def keep(self, case, status, answer, seconds):
        record = {"id": case["id"], "category": case["category"], "request": bfcl_cases.request_sum(case), "status": status, "seconds": round(seconds, 3),
                  "at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "answer": answer}
        self.records[case["id"]] = record
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = not self.path.exists()
        torn = not new and not self.path.read_bytes().endswith(b"\n")
        with open(self.path, "a", encoding="utf-8") as file:
            if torn:
                file.write("\n")
            if new:
                file.write(json.dumps({"settings": self.settings, "about": self.server.about}) + "\n")
            file.write(json.dumps(record) + "\n")

    def of(self, case):
        """Its record, or None."""
        record = self.records.get(case["id"])
        return record if record and record["request"] == bfcl_cases.request_sum(case) else None

    def missing(self, cases):
        return [case for case in cases if not self.of(case)]


def read(path):
    """A line that a killed run left incomplete counts as missing."""
    found = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if "id" in record:
                found.append(record)
    return found


def seconds_known(model, key):
    """{category: seconds a case} of this kind of server, from every stored answer, whatever its settings."""
    seconds = {}
    for path in folder(model).glob(f"{key}-*.jsonl"):
        for record in read(path):
            if record["status"] == 200:
                seconds.setdefault(record["category"], []).append(record["seconds"])
    return {category: statistics.mean(values) for category, values in seconds.items()}


def estimate(left, known):
    """Seconds for the remaining cases; a category that was not timed takes the mean of the others. None: unknown."""
    if not known:
        return None
    usual = statistics.mean(known.values())
    return sum(known.get(case["category"], usual) for case in left)


def by_turns(cases):
    """One case of each category, then the next of each: an interrupted run has covered all of them."""
    places = {}
    for case in cases:
        places.setdefault(case["category"], []).append(case)
    longest = max(map(len, places.values()), default=0)
    return [group[i] for i in range(longest) for group in places.values() if i < len(group)]


def say(text):
    print(text, file=sys.stderr, flush=True)


def announce(kept, cases):
    """Prints the expected duration; False if nothing is known yet."""
    parts = []
    for answers in kept:
        left = answers.missing(cases)
        if left:
            seconds = estimate(left, seconds_known(answers.model, answers.server.key))
            if seconds is None:
                return False
            parts.append((f"{answers.model}, {answers.server.title}: {len(left)} of {len(cases)} cases, {seconds / 60:.1f} min", seconds))
    if parts:
        say("to ask: " + "; ".join(text for text, _ in parts) + f"; together about {sum(seconds for _, seconds in parts) / 60:.0f} min")
    return True


def ask_all(kept, cases, until=None):
    """Asks every started server its missing cases, case by case, so that a machine that is busier for a while is so for all of them. until:
    monotonic time. Returns {title: reason} of servers that ended meanwhile."""
    ended = {}
    wanted = by_turns(cases)
    first_round = len({case["category"] for case in cases})
    said = announce(kept, cases)
    if not said:
        say("never timed here: one case of each category first")
    for i, case in enumerate(wanted):
        if not said and i >= first_round:
            said = announce(kept, cases)
        for answers in kept:
            if answers.of(case) or answers.server.title in ended:
                continue
            left = until - time.monotonic() if until else ANSWER_SECONDS
            if left <= 0:
                return ended
            try:
                status, answer, seconds = answers.server.ask(bfcl_cases.request(case, answers.server.model), left)
                if status == 0 and (why := answers.server.ended()):
                    ended[answers.server.title] = why
                else:
                    answers.keep(case, status, answer, seconds)
            except TimeoutError:
                if until:
                    return ended
                answers.keep(case, 0, f"no answer within {ANSWER_SECONDS} s", ANSWER_SECONDS)
    return ended
