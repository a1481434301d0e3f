"""The templates of tests/data/tool_templates against the texts beside them: after the generation prompt, jinja2 writes an assistant's calls
exactly as the text beside it has them."""
import json

from tests.check.oracle.template import baton_output, expected, read
from tests.check.oracle.tool_conventions import FAMILIES, UNSEEN, outputs
from tests.support.suite import ROOT, row

FOLDER = ROOT / "tests/data/tool_templates"
PLACES = dict.fromkeys(FAMILIES, FOLDER) | dict.fromkeys(UNSEEN, FOLDER / "unseen")
QUESTION = {"role": "user", "content": "Weather in Oslo?"}


def answer(output, knows_tools):
    message = {"role": "assistant", "content": output["content"]}
    if not knows_tools:
        message["content"] = output["text"]
        return message
    if output["reasoning"]:
        message["reasoning_content"] = output["reasoning"]
    if output["calls"]:
        message["tool_calls"] = [{"id": c.get("id", f"call{i:05}"), "type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}} for i, c in enumerate(output["calls"])]
    return message


def conversations(family, output):
    """The question, the answer, and if there were calls, their results and the next answer."""
    asked = {"messages": [{"role": "system", "content": "Be kind."}, QUESTION], "tools": family["tools"], "add_generation_prompt": True}
    message = answer(output, family["knows_tools"])
    answered = {**asked, "messages": asked["messages"] + [message], "add_generation_prompt": False}
    results = [{"role": "tool", "content": f"result {i}", "tool_call_id": c["id"], "name": c["function"]["name"]} for i, c in enumerate(message.get("tool_calls", []))]
    told = {**answered, "messages": answered["messages"] + results, "add_generation_prompt": True}
    return asked, answered, told if results else None


def faults(source, family, output):
    """The difference, or nothing."""
    asked, answered, told = (talk and expected(source, talk) for talk in conversations(family, output))
    for rendered in (asked, answered, told):
        if rendered and "output" not in rendered:
            return rendered["error"]
    text = asked["output"] + output["text"]
    if not answered["output"].startswith(text):
        return f"expected {text[-400:]!r}, rendered {answered['output'][-400:]!r}"
    rest = answered["output"][len(text):].strip()
    if rest and rest not in family["end_of_turn"]:
        return f"{rest!r} after the answer ends no turn"
    missing = [c["name"] for c in output["calls"] if told and c["name"] not in told["output"]]
    if told and "result 0" not in told["output"] or missing:
        return "the results are not shown"
    return None


def rows(baton, models_dir, quick):
    out = []
    for name, place in PLACES.items():
        template = place / f"{name}.jinja"
        family = json.loads((place / f"{name}.json").read_text(encoding="utf-8"))
        source = read(template)
        found = [(output["case"], faults(source, family, output)) for output in family["outputs"]]
        wrong = [f"{case}: {fault}" for case, fault in found if fault]
        differing = [] if quick else [output["case"] for output in family["outputs"] for talk in conversations(family, output)
                                      if talk and baton_output(baton, template, talk)[:2] != (0, expected(source, talk)["output"])]
        note = "; ".join(wrong[:3]) + ("; Baton renders differently: " + ", ".join(differing[:5]) if differing else "")
        out.append(row(f"tool template of {name}", len(wrong) + len(differing), "faults", peer="jinja2", target="0", ok=not wrong and not differing and bool(found), note=note or f"{len(found)} texts"))
    return out


def regenerate():
    for name, place in PLACES.items():
        family = outputs(name)
        head = {key: value for key, value in family.items() if key != "outputs"}
        text = json.dumps(head, ensure_ascii=False, indent=1)[:-2] + ',\n "outputs": [\n' + ",\n".join("  " + json.dumps(output, ensure_ascii=False) for output in family["outputs"]) + "\n ]\n}\n"
        (place / f"{name}.json").write_text(text, encoding="utf-8")
    print(f"tool templates: {len(PLACES)} families, {sum(len(outputs(name)['outputs']) for name in PLACES)} texts")
