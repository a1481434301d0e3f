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
    "cleanroom": {"about": "The README's two commands in a bare system.", "parts": ["cleanroom_commands"], "needs_oracles": False, "needs_baton": False},
}

if __name__ == "__main__":
    sys.exit(suite.main("check", SUITES, prepare=oracle_environment.enter))
