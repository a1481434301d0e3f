"""scripts/check.sh: proves what Baton computes against programs that we did not write."""
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import oracle_environment  # noqa: E402
import suite  # noqa: E402

SUITES = {
    "oracle": {
        "about": "Tokenizer, templates, RoPE, dequantisation, schemas, exports and logits against Hugging Face, jinja2, torch and gguf.",
        "parts": ["oracle_tokenizer", "oracle_template", "oracle_rope", "oracle_dequantize", "oracle_json_schema", "oracle_export", "oracle_logits"],
    },
    "clients": {"about": "Clients that we did not write against a daemon.", "parts": ["clients_openai", "clients_agents", "clients_examples"], "needs_oracles": False, "needs_baton": False},
    "kills": {"about": "A daemon killed at random points under load.", "parts": ["kills_daemon", "kills_streams"], "needs_oracles": False, "needs_baton": False},
    "hostile": {"about": "What must not get in: hosts, origins, tokens, and requests that are none.", "parts": ["hostile_gate", "hostile_requests"], "needs_oracles": False, "needs_baton": False},
    "console": {"about": "The console's page in Chromium, over a daemon.", "parts": ["console_page"], "needs_oracles": False, "needs_baton": False},
    "openapi": {"about": "The OpenAPI file and the daemon that it describes.", "parts": ["openapi_schemathesis"], "needs_oracles": False, "needs_baton": False},
    "cleanroom": {"about": "The README's two commands in a bare system.", "parts": ["cleanroom_commands"], "needs_oracles": False, "needs_baton": False},
}

if __name__ == "__main__":
    sys.exit(suite.main("check", SUITES, prepare=oracle_environment.enter))
