"""scripts/check.sh: compares Baton's results with those of independent programs."""
import sys

from tests.support import python_environment
from tests.support import suite

SUITES = {
    "oracle": {
        "about": "Compares tokenizer, templates, RoPE, dequantisation, schemas, exports and logits with Hugging Face, jinja2, torch and gguf.",
        "parts": ["oracle.tokenizer", "oracle.template", "oracle.tool_templates", "oracle.rope", "oracle.dequantize", "oracle.json_schema", "oracle.export", "oracle.logits"],
    },
    "grammar": {"about": "Compares the values written under a schema's mask with jsonschema's verdicts, and checks that valid values can be written. Random schemas state where further properties may come: elsewhere they are never written.", "parts": ["grammar.masks"], "environment": "clients", "needs_baton": False},
    "stream": {"about": "Parses the answers of models of forty-two conventions, cut at every byte.", "parts": ["stream"], "environment": None, "needs_baton": False},
    "clients": {"about": "Runs clients that we did not write against a daemon.", "parts": ["clients.openai", "clients.agents", "clients.examples", "clients.formats", "clients.cases"], "environment": "clients", "needs_baton": False},
    "frameworks": {"about": "Runs unmodified clients, agents and coding agents with the default model, on five questions whose answers only a tool knows. Only the base URL, a key and the model's name are set.", "parts": ["frameworks.sdks", "frameworks.agents", "frameworks.teams", "frameworks.codex"], "environment": None},
    "schema-suite": {"about": "Runs the JSON Schema test suite, draft 2020-12, against the validator, and against the mask for the schemas that the mask claims to enforce (those that state where further properties may come).", "parts": ["grammar.schema_suite"], "environment": "clients", "needs_baton": False},
    "schema-bench": {"about": "Checks real schemas and their instances, from JSONSchemaBench and MaskBench; DIR is a copy of guidance-ai/jsonschemabench.", "parts": ["grammar.schema_bench"], "environment": "clients", "needs_baton": False, "options": True, "folder": True},
    "kills": {"about": "Kills a daemon at random points under load.", "parts": ["kills.daemon", "kills.streams"], "environment": None, "needs_baton": False},
    "chaos": {"about": "Sixteen clients use the whole protocol at random, while the daemon is killed and restarted, its disk fills up and its clock is set; a model says what must hold.", "parts": ["chaos.interleavings"], "environment": None, "needs_baton": False, "options": True},
    "soak": {"about": "Runs the mixed load of chaos for an hour on one daemon, with disconnects, full disks and clock steps: memory, descriptors and threads must not grow.", "parts": ["chaos.soak"], "environment": None, "needs_baton": False, "options": True},
    "attacks": {"about": "Sends inputs that an authorised client may send. During each, a second client waits at most 1 s and /healthz 100 ms, memory stays below 1 GB, and SIGTERM ends the daemon.", "parts": ["attacks.runs", "attacks.connections", "attacks.inputs", "attacks.model"], "environment": "clients", "needs_baton": False},
    "hostile": {"about": "Sends requests that must be refused: wrong hosts, origins and tokens, and input that is not a valid request.", "parts": ["hostile.gate", "hostile.requests", "hostile.websocket"], "environment": "clients", "needs_baton": False},
    "console": {"about": "Drives the console's page in Chromium, against a daemon.", "parts": ["console"], "environment": None, "needs_baton": False, "options": True},
    "openapi": {"about": "Compares the OpenAPI file with the daemon that it describes.", "parts": ["openapi"], "environment": "clients", "needs_baton": False},
    "kernels": {"about": "Runs the CUDA kernels' tests under the simulator, and reports which lines they cover.", "parts": ["kernels.simulator"], "environment": None, "needs_baton": False},
    "planted-bugs": {"about": "Runs kernels with one planted bug each, and reports which bugs the simulator of CUDA devices finds.", "parts": ["kernels.planted_bugs"], "environment": None, "needs_baton": False},
    "plain-english": {"about": "Counts the phrases that make comments, string literals and docs hard to read; each may occur at most 5 % as often as it did.", "parts": ["plain_english"], "environment": None, "needs_baton": False},
    "cleanroom": {"about": "Runs the README's two commands in a bare system.", "parts": ["cleanroom"], "environment": None, "needs_baton": False},
}


def record_more(name, rows, _folder):
    """The table of docs/clients.md, beside that of the suite."""
    if name == "frameworks":
        from tests.check.frameworks import environments
        environments.record_table(rows)
    return ""


if __name__ == "__main__":
    sys.exit(suite.main("check", SUITES, prepare=python_environment.enter, record_more=record_more))
