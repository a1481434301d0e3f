"""scripts/check.sh: compares Baton's results with those of independent programs."""
import sys

from tests.support import python_environment
from tests.support import suite

SUITES = {
    "oracle": {
        "about": "Tokenizer, templates, RoPE, dequantisation, schemas, exports and logits against Hugging Face, jinja2, torch and gguf.",
        "parts": ["oracle.tokenizer", "oracle.template", "oracle.tool_templates", "oracle.rope", "oracle.dequantize", "oracle.json_schema", "oracle.export", "oracle.logits"],
    },
    "grammar": {"about": "What is written under a schema's masks, against jsonschema; and valid values, which must be writable. Random schemas say aloud that further properties may come where they say nothing: those are never written.", "parts": ["grammar.masks"], "environment": "clients", "needs_baton": False},
    "stream": {"about": "What models of forty-two conventions write, cut at every byte.", "parts": ["stream"], "environment": None, "needs_baton": False},
    "clients": {"about": "Clients that we did not write against a daemon.", "parts": ["clients.openai", "clients.agents", "clients.examples", "clients.formats", "clients.cases"], "environment": "clients", "needs_baton": False},
    "frameworks": {"about": "Unmodified clients, agents and coding agents with the default model: five questions whose answers only a tool knows. Only the base URL, a key and the model's name are set.", "parts": ["frameworks.sdks", "frameworks.agents", "frameworks.teams", "frameworks.codex"], "environment": None},
    "schema-suite": {"about": "The JSON Schema test suite, draft 2020-12: the validator, and the mask on what it claims (of schemas that say aloud that further properties may come).", "parts": ["grammar.schema_suite"], "environment": "clients", "needs_baton": False},
    "schema-bench": {"about": "Real schemas and their instances: JSONSchemaBench's and MaskBench's, of which DIR is a copy (guidance-ai/jsonschemabench).", "parts": ["grammar.schema_bench"], "environment": "clients", "needs_baton": False, "options": True, "folder": True},
    "kills": {"about": "A daemon killed at random points under load.", "parts": ["kills.daemon", "kills.streams"], "environment": None, "needs_baton": False},
    "chaos": {"about": "Sixteen clients do at random whatever the protocol has, while the daemon is killed, restarted, out of disk and its clock is set; against a model of what must be true.", "parts": ["chaos.interleavings"], "environment": None, "needs_baton": False, "options": True},
    "soak": {"about": "An hour of the mixed load of chaos, with disconnects, full disks and clock steps, on one daemon: memory, descriptors and threads stay what they are.", "parts": ["chaos.soak"], "environment": None, "needs_baton": False, "options": True},
    "attacks": {"about": "What an authorised client may send: beside each input a second client waits at most 1 s and /healthz 100 ms, memory stays below 1 GB, and SIGTERM ends the daemon.", "parts": ["attacks.runs", "attacks.connections", "attacks.inputs", "attacks.model"], "environment": "clients", "needs_baton": False},
    "hostile": {"about": "What must not get in: hosts, origins, tokens, and requests that are none.", "parts": ["hostile.gate", "hostile.requests", "hostile.websocket"], "environment": "clients", "needs_baton": False},
    "console": {"about": "The console's page in Chromium, over a daemon.", "parts": ["console"], "environment": None, "needs_baton": False},
    "openapi": {"about": "The OpenAPI file and the daemon that it describes.", "parts": ["openapi"], "environment": "clients", "needs_baton": False},
    "kernels": {"about": "The CUDA kernels' tests under the simulator, and which of their lines these run.", "parts": ["kernels.simulator"], "environment": None, "needs_baton": False},
    "planted-bugs": {"about": "Kernels with a bug planted in each: what the simulator of CUDA devices finds.", "parts": ["kernels.planted_bugs"], "environment": None, "needs_baton": False},
    "plain-english": {"about": "Comments, string literals and docs: how often they use the phrases that a reader stumbles over, each at most 5 % of what it was.", "parts": ["plain_english"], "environment": None, "needs_baton": False},
    "cleanroom": {"about": "The README's two commands in a bare system.", "parts": ["cleanroom"], "environment": None, "needs_baton": False},
}


def record_more(name, rows, _folder):
    """The table of docs/clients.md, beside that of the suite."""
    if name == "frameworks":
        from tests.check.frameworks import environments
        environments.record_table(rows)
    return ""


if __name__ == "__main__":
    sys.exit(suite.main("check", SUITES, prepare=python_environment.enter, record_more=record_more))
