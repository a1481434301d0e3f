#!/usr/bin/env python3
"""Ten questions to the default model through `baton run --json`: counts those that end right.

A question ends right if the run completed, every tool it needs was called with success, and the answer contains the expected text. The
model is small, so not all do; the test fails only if fewer end right than were recorded, minus two.

    acceptance.py BATON [--json] [--record]        exit 0 passed, 1 failed, 77 the model is not here
"""
import datetime
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import zoneinfo

HERE = pathlib.Path(__file__).parent
TOLERATED = 2


def expected_now(zone):
    """The clock of a zone, as the answer may show it: now or a minute ago, 24 hours or 12."""
    patterns = []
    for minutes in (0, 1):
        t = datetime.datetime.now(zoneinfo.ZoneInfo(zone)) - datetime.timedelta(minutes=minutes)
        patterns.append(rf"(?<!\d)0?{t.hour}:{t.minute:02d}")
        patterns.append(rf"(?<!\d)0?{t.hour % 12 or 12}:{t.minute:02d}")
    return "|".join(patterns)


def pattern_of(expectation):
    if "clock" in expectation:
        return expected_now(expectation["clock"])
    if "weekday" in expectation:
        return datetime.datetime.now(zoneinfo.ZoneInfo(expectation["weekday"])).strftime("%A")
    return expectation["text"]


def ask(baton, question, folder):
    command = [baton, "--journal", str(folder / "journal.db"), "run", "--json", question["question"]]
    if "root" in question:
        command += ["--root", str(HERE / question["root"])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    items = [e["item"] for e in events if e["type"] == "response.output_item.done"]
    calls = [i["name"] for i in items if i["type"] == "mcp_call" and not i["error"]]
    texts = [i["content"][0]["text"] for i in items if i["type"] == "message" and i["content"]]
    return done, calls, texts[-1] if texts else ""


def judge(question, done, calls, answer):
    if done.returncode != 0:
        return f"exit code {done.returncode}: {done.stderr.strip()[-200:]}"
    missing = [tool for tool in question["tools"] if tool not in calls]
    if missing:
        return f"no successful call of {', '.join(missing)}"
    for expectation in question["answer"]:
        if not re.search(pattern_of(expectation), answer.replace(",", ""), re.IGNORECASE):
            return f"the answer lacks {pattern_of(expectation)}"
    return ""


def main():
    baton = sys.argv[1]
    report = subprocess.run([baton, "doctor", "--json"], capture_output=True, text=True)  # not 0 if the model is missing
    model = json.loads(report.stdout)["model"]
    if not model["found"]:
        print(f"SKIPPED: the model {model['name']} is not downloaded; scripts/quickstart.sh fetches it")
        return 77
    questions = json.loads((HERE / "questions.json").read_text())
    right = 0
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for question in questions:
            done, calls, answer = ask(baton, question, pathlib.Path(folder))
            wrong = judge(question, done, calls, answer)
            right += not wrong
            rows.append({"question": question["question"], "right": not wrong, "why": wrong, "calls": calls, "answer": answer})
            print(f"{'right' if not wrong else 'WRONG'}  {question['question']}\n       {calls} {answer!r} {wrong}", flush=True)
    recorded_file = HERE / "recorded.json"
    if "--record" in sys.argv:
        recorded_file.write_text(json.dumps({"right": right, "of": len(questions), "model": model["name"], "date": str(datetime.date.today())}) + "\n")
    recorded = json.loads(recorded_file.read_text())["right"]
    print(f"{right} of {len(questions)} end right; {recorded} were recorded, the test fails below {recorded - TOLERATED}")
    if "--json" in sys.argv:
        print(json.dumps({"right": right, "of": len(questions), "recorded": recorded, "rows": rows}))
    return 0 if right >= recorded - TOLERATED else 1


if __name__ == "__main__":
    sys.exit(main())
