"""The program grammar_probe (tests/probes/grammar_probe.cpp): one question and one answer a line, as JSON."""
import json
import subprocess

from tests.support import suite

PROGRAM = suite.ROOT / "build/release/tests/grammar_probe"


class Probe:
    def __init__(self, model):
        self.process = subprocess.Popen([PROGRAM, model], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, question):
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()
