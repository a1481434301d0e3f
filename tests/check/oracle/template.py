"""Chat templates against Python's jinja2 as transformers configures it: the models' own, and two dozen in other families' styles."""
import datetime
import json
import pathlib
import subprocess
import tempfile

from tests.check.oracle.template_conversations import CONVERSATIONS
from tests.check.oracle.template_snippets import SNIPPETS, VARIABLES
from tests.support.suite import ROOT, Unavailable, row

GOLDENS = ROOT / "tests/golden/template"
MODELS = ["qwen2.5-coder-0.5b-instruct", "qwen2.5-coder-1.5b-instruct", "smollm2-135m-instruct"]
# The time of strftime_now in the goldens; the tests pass the same time to Baton.
CLOCK = datetime.datetime(2024, 2, 29, 7, 5, 9)


# ---- the oracle ----

def expected(source, variables, now=None):
    """jinja2's result: {"output": text} or {"error": message, "kind": exception, "line": of the template, if jinja2 has it}."""
    import jinja2
    import transformers.utils.chat_template_utils as chat_template_utils
    try:
        # Not cached, so that each rendering has a clock of its own.
        template = chat_template_utils._cached_compile_jinja_template(source)
        if now:
            template.globals["strftime_now"] = template.environment.globals["strftime_now"] = now.strftime
        return {"output": template.render(**variables)}
    except jinja2.TemplateSyntaxError as error:
        return {"error": error.message, "kind": "syntax", "line": error.lineno}
    except jinja2.UndefinedError as error:
        return {"error": error.message, "kind": "undefined"}
    except jinja2.TemplateError as error:
        return {"error": error.message or "", "kind": "raised"}
    except Exception as error:
        return {"error": str(error), "kind": type(error).__name__}


def model_template(path):
    import gguf
    field = gguf.GGUFReader(path).fields.get("tokenizer.chat_template")
    return field.contents() if field else None


def templates():
    """{name: path} of the templates in the goldens."""
    return {path.stem: path for folder in ("models", "templates") for path in sorted((GOLDENS / folder).glob("*.jinja"))}


def read(path):
    return path.read_bytes().decode("utf-8")


# ---- Baton ----

def baton_output(baton, template, conversation, model=None):
    """Exit status, stdout and stderr of `baton inspect .. --render`."""
    what = [str(model)] if model else ["--template", str(template)]
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(conversation, file, ensure_ascii=False)
        file.flush()
        run = subprocess.run([str(baton), "inspect", *what, "--render", file.name], capture_output=True, check=False)
    return run.returncode, run.stdout.decode("utf-8", "replace"), run.stderr.decode("utf-8", "replace")


def same(result, want):
    """Byte equal, or an error on both sides; Baton's message contains verbatim an error that a template raised itself."""
    status, output, message = result
    if "output" in want:
        return status == 0 and output == want["output"]
    return status != 0 and (want["kind"] != "raised" or want["error"] in message)


def compared(what, cases, peer):
    """One row over (name, Baton's result, expected)."""
    cases = list(cases)
    differing = [name for name, got, want in cases if not same(got, want)]
    note = f"{len(cases)} renderings" + (", different: " + ", ".join(differing[:5]) if differing else "")
    return row(what, len(differing), "differences", peer=peer, target="0", ok=not differing and bool(cases), note=note)


def quick_rows(baton):
    golden = json.loads((GOLDENS / "cases.json").read_text(encoding="utf-8"))
    paths = templates()
    chosen = [case for case in golden["cases"] if not case.get("clock")]
    results = ((f"{case['template']}/{case['conversation']}", baton_output(baton, paths[case["template"]], golden["conversations"][case["conversation"]]), case) for case in chosen)
    return [compared("templates, goldens", results, f"jinja2 {golden['versions']['jinja2']}")]


def rows(baton, models_dir, quick):
    if not (GOLDENS / "cases.json").is_file():
        raise Unavailable("tests/golden/template/cases.json is missing: scripts/check.sh oracle --regenerate")
    if quick:
        return quick_rows(baton)
    import jinja2
    peer = f"jinja2 {jinja2.__version__}"
    out = []
    for name in MODELS:
        model = pathlib.Path(models_dir) / f"{name}.gguf"
        if not model.is_file():
            out.append(row(f"template of {name}", note=f"{model.name} is not in {models_dir}: baton pull {name}"))
            continue
        source = model_template(model)
        # The file's own tokens are the variables here, whatever a conversation has.
        cases = ((key, baton_output(baton, None, talk, model), expected(source, talk)) for key, talk in CONVERSATIONS.items())
        out.append(compared(f"template of {name}", cases, peer))
    for name, path in templates().items():
        if path.parent.name == "templates":
            source = read(path)
            cases = ((key, baton_output(baton, path, talk), expected(source, talk)) for key, talk in CONVERSATIONS.items())
            out.append(compared(f"template in the style of {name}", cases, peer))
    return out


# ---- goldens ----

def write_lines(path, head, key, entries):
    """JSON with one entry a line, so that a change can be read in a diff."""
    text = json.dumps(head, ensure_ascii=False, indent=1)[:-2] + f',\n "{key}": [\n'
    text += ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    path.write_text(text + "\n ]\n}\n", encoding="utf-8")


def regenerate():
    import jinja2
    import transformers
    from tests.support.suite import cache_dir
    versions = {"jinja2": jinja2.__version__, "transformers": transformers.__version__}
    for name in MODELS:
        model = cache_dir() / "models" / f"{name}.gguf"
        if model.is_file():
            (GOLDENS / "models").mkdir(parents=True, exist_ok=True)
            (GOLDENS / "models" / f"{name}.jinja").write_bytes(model_template(model).encode("utf-8"))
    cases = []
    for name, path in templates().items():
        source = read(path)
        clock = {"clock": True} if "strftime_now" in source else {}
        for key, talk in CONVERSATIONS.items():
            cases.append({"template": name, "conversation": key, **clock, **expected(source, talk, CLOCK)})
    write_lines(GOLDENS / "cases.json", {"versions": versions, "clock": CLOCK.isoformat(), "conversations": CONVERSATIONS}, "cases", cases)
    snippets = [{"source": source, **expected(source, VARIABLES, CLOCK)} for source in SNIPPETS]
    write_lines(GOLDENS / "snippets.json", {"versions": versions, "clock": CLOCK.isoformat(), "variables": VARIABLES}, "snippets", snippets)
    print(f"template: {len(cases)} renderings of {len(templates())} templates, {len(snippets)} snippets")
