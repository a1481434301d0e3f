"""The syntax of tool calls in published model families: a second definition, in Python, beside the templates of tests/data/tool_templates.

CASES are a model's intended answers; a family's writer turns each into the text after the generation prompt. The templates are independent
of this file, so that tool_templates.py can check one against the other.
"""
import json

# ---- the answers ----

TOOLS = [
    {"type": "function", "function": {"name": "plan_trip", "description": "Plans a journey.", "parameters": {"type": "object", "properties": {
        "budget": {"type": "number", "description": "in euro"},
        "city": {"type": "string"},
        "days": {"type": "integer"},
        "guide": {"type": ["integer", "null"], "description": "number of the guide, null for none"},
        "hotel": {"type": "object", "properties": {"name": {"type": "string"}, "sea_view": {"type": "boolean"}, "stars": {"type": "integer"}}, "required": ["name"]},
        "pets": {"type": "boolean"},
        "stops": {"type": "array", "items": {"type": "string"}}}, "required": ["city"]}}},
    {"type": "function", "function": {"name": "get_time", "description": "The time in UTC.", "parameters": {"type": "object", "properties": {}}}},
    {"type": "function", "function": {"name": "get_weather", "description": "Current weather of a city.", "parameters": {"type": "object", "properties": {
        "city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}}, "required": ["city"]}}},
    {"type": "function", "function": {"name": "math.hypot", "description": "Length of the hypotenuse.", "parameters": {"type": "object", "properties": {
        "x": {"type": "number"}, "y": {"type": "number"}}, "required": ["x", "y"]}}},
    {"type": "function", "function": {"name": "write_note", "description": "Saves a note.", "parameters": {"type": "object", "properties": {
        "text": {"type": "string"}, "title": {"type": "string"}}, "required": ["text"]}}},
]

ALL_KINDS = {"budget": 1250.5, "city": "Lisbon", "days": 3, "guide": None, "hotel": {"name": "Mar", "sea_view": False, "stars": 4}, "pets": True, "stops": ["Sintra", "Évora"]}
HARD_TEXT = 'She said "hi" \\ it\'s 5 < 6 & {"a": [1, 2]}:\n\tGrüße, 日本 👍 — }]) done'


def call(name, arguments):
    return {"name": name, "arguments": arguments}


def cases(lookalike):
    """(key, content, reasoning, calls). The keys' order is alphabetic in all arguments, since one family sorts them."""
    oslo, rome = call("get_weather", {"city": "Oslo", "unit": "celsius"}), call("get_weather", {"city": "Rome"})
    return [
        ("kinds", "", "", [call("plan_trip", ALL_KINDS)]),
        ("no_arguments", "", "", [call("get_time", {})]),
        ("dotted_name", "", "", [call("math.hypot", {"x": 3, "y": -0.25})]),
        ("hard_text", "", "", [call("write_note", {"text": HARD_TEXT, "title": ""})]),
        ("text_like_numbers", "", "", [call("write_note", {"text": "42", "title": "true"})]),
        ("lookalike", "", "", [call("write_note", {"text": lookalike, "title": "get_weather"})]),
        ("empty_values", "", "", [call("plan_trip", {"city": "", "hotel": {}, "stops": []})]),
        ("parallel", "", "", [oslo, rome]),
        ("parallel_mixed", "", "", [call("get_time", {}), oslo, call("write_note", {"text": "a, b", "title": "x"})]),
        ("text_before", "Let me look that up.", "", [oslo]),
        ("text_before_parallel", "Two cities:", "", [oslo, rome]),
        ("text", "It is sunny in Oslo.", "", []),
        ("text_with_braces", 'A record such as {"city": "Oslo", "degrees": [1, 2]} is [no] call(x=1) <b>at all</b>.', "", []),
        ("reasoned", "", "The city is Oslo, so get_weather fits.", [oslo]),
        ("reasoned_with_call", "", 'I could write {"name": "get_time", "arguments": {}} first.\nNo: the weather is asked.', [oslo]),
        ("reasoned_text", "It is sunny.", "No function is needed.", []),
    ]


# ---- their writings ----

def dumped(value):
    return json.dumps(value, ensure_ascii=False)


def named(c, name="name", arguments="arguments"):
    return dumped({name: c["name"], arguments: c["arguments"]})


def python(value):
    """A Python literal with double quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{python(k)}: {python(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(python, value)) + "]"
    return dumped(value) if isinstance(value, str) else str(value)


def python_list(calls):
    return "[" + ", ".join(c["name"] + "(" + ", ".join(f"{k}={python(v)}" for k, v in c["arguments"].items()) + ")" for c in calls) + "]"


def escaped(value):
    """FunctionGemma's notation."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{k}:{escaped(v)}" for k, v in sorted(value.items())) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(escaped, value)) + "]"
    return f"<escape>{value}<escape>" if isinstance(value, str) else dumped(value)


def qwen_coder(c):
    def plain(value):
        return dumped(value) if isinstance(value, (dict, list)) else str(value)
    body = "".join(f"<parameter={k}>\n{plain(v)}\n</parameter>\n" for k, v in c["arguments"].items())
    return f"<tool_call>\n<function={c['name']}>\n{body}</function>\n</tool_call>"


def glm(c):
    body = "".join(f"<arg_key>{k}</arg_key>\n<arg_value>{v if isinstance(v, str) else dumped(v)}</arg_value>\n" for k, v in c["arguments"].items())
    return f"<tool_call>{c['name']}\n{body}</tool_call>"


def invoked(c):
    """MiniMax."""
    body = "".join(f'<parameter name="{k}">{v if isinstance(v, str) else dumped(v)}</parameter>\n' for k, v in c["arguments"].items())
    return f'<invoke name="{c["name"]}">\n{body}</invoke>\n'


def dsml(c):
    """DeepSeek V3.2."""
    body = "".join(f'<｜DSML｜parameter name="{k}" string="{"true" if isinstance(v, str) else "false"}">{v if isinstance(v, str) else dumped(v)}</｜DSML｜parameter>\n' for k, v in c["arguments"].items())
    return f'<｜DSML｜invoke name="{c["name"]}">\n{body}</｜DSML｜invoke>\n'


def tagged(c):
    body = "".join(f"\n<{k}>{v if isinstance(v, str) else dumped(v)}</{k}>" for k, v in c["arguments"].items())
    return f'\n<invoke name="{c["name"]}">{body}\n</invoke>'


def seed(c):
    body = "".join(f"<parameter={k}>{v if isinstance(v, str) else dumped(v)}</parameter>\n" for k, v in c["arguments"].items())
    return f"<seed:tool_call>\n<function={c['name']}>\n{body}</function>\n</seed:tool_call>"


def harmony(recipient, content, reasoning, calls):
    parts = [f"<|channel|>analysis<|message|>{reasoning}<|end|>"] if reasoning else []
    if not calls:
        return "<|start|>assistant".join(parts + [f"<|channel|>final<|message|>{content}"])
    if content:
        parts.append(f"<|channel|>commentary<|message|>{content}<|end|>")
    parts.append(recipient.format(calls[0]["name"]) + dumped(calls[0]["arguments"]))
    return "<|start|>assistant".join(parts)


def command_r(calls):
    return "Action: ```json\n[" + ",".join(f'\n    {{\n        "tool_name": {dumped(c["name"])},\n        "parameters": {dumped(c["arguments"])}\n    }}' for c in calls) + "\n]```"


def command_r7b(content, reasoning, calls):
    thought = f"<|START_THINKING|>{reasoning}<|END_THINKING|>" if reasoning else ""
    if not calls:
        return f"{thought}<|START_RESPONSE|>{content}<|END_RESPONSE|>"
    return thought + "<|START_ACTION|>[" + ",".join(
        "\n    " + dumped({"tool_call_id": str(i), "tool_name": c["name"], "parameters": c["arguments"]}) for i, c in enumerate(calls)) + "\n]<|END_ACTION|>"


def lined(write):
    """Content and calls, each on lines of its own."""
    return lambda content, reasoning, calls: "\n".join(([content] if content else []) + [write(c) for c in calls])


def joined(write):
    return lambda content, reasoning, calls: content + "".join(write(c) for c in calls)


def listed(opening, closing, write=named, separator=", "):
    return lambda content, reasoning, calls: content + (opening + separator.join(map(write, calls)) + closing if calls else "")


def thinking(before, after, inner):
    return lambda content, reasoning, calls: (before + reasoning + after if reasoning else "") + inner(content, reasoning, calls)


def hermes(c):
    return f"<tool_call>\n{named(c)}\n</tool_call>"


def deepseek(separator, write):
    return listed("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", lambda c: "<｜tool▁call▁begin｜>" + write(c) + "<｜tool▁call▁end｜>", separator)


def spaced(inner):
    """Mistral's SentencePiece models begin words with a space."""
    return lambda content, reasoning, calls: (" " if content else "") + inner(content, reasoning, calls)


CHATML = ["<|im_start|>", "<|im_end|>"]
TOOL_CALL = ["<tool_call>", "</tool_call>"]
THINK = ["<think>", "</think>"]
LLAMA = ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|eom_id|>", "<|python_tag|>"]
MISTRAL = ["[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "</s>"]
GRANITE = ["<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>"]
DEEPSEEK = [f"<｜{word}｜>" for word in ["User", "Assistant", "tool▁calls▁begin", "tool▁calls▁end", "tool▁call▁begin", "tool▁call▁end", "tool▁sep", "tool▁output▁begin", "tool▁output▁end",
                                         "end▁of▁sentence"]]
COHERE = ["<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>", "<|SYSTEM_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>"]
HARMONY = ["<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|constrain|>", "<|call|>", "<|return|>"]
NINE = ["aB3dE5gH7", "Zy8Xw6Vu4", "k1L2m3N4o"]

TAGS_IN_TEXT = "Write <tool_call> and </tool_call>, or ```json and ```."

# family: source, special tokens, the end of the turn, its writer; and the differences of a family: texts in its strings that look like its
# syntax, whether it has parallel calls, text before calls, reasoning (with "always": no answer without), ids.
FAMILIES = {
    "qwen2.5": dict(source="Qwen/Qwen2.5-7B-Instruct, tokenizer_config.json", special=CHATML + TOOL_CALL, end=["<|im_end|>"], write=lined(hermes)),
    "hermes2pro": dict(source="NousResearch/Hermes-2-Pro-Llama-3-8B, tokenizer_config.json, template tool_use", special=CHATML + TOOL_CALL, end=["<|im_end|>"], write=lined(hermes)),
    "hermes2pro-card": dict(source="NousResearch/Hermes-2-Pro-Mistral-7B, model card: arguments before the name", special=CHATML, end=["<|im_end|>"],
                            write=lined(lambda c: "<tool_call>\n" + dumped({"arguments": c["arguments"], "name": c["name"]}) + "\n</tool_call>")),
    "qwen3": dict(source="Qwen/Qwen3-8B, tokenizer_config.json", special=CHATML + TOOL_CALL + THINK, end=["<|im_end|>"], reasoning=True,
                  write=thinking("<think>\n", "\n</think>\n\n", lined(hermes))),
    "qwen3-thinking": dict(source="Qwen/Qwen3-4B-Thinking-2507: the generation prompt has opened the thoughts", special=CHATML + TOOL_CALL + THINK, end=["<|im_end|>"], reasoning="always",
                           write=thinking("", "\n</think>\n\n", lined(hermes))),
    "qwen3-coder": dict(source="Qwen/Qwen3-Coder-30B-A3B-Instruct, chat_template.jinja", special=CHATML + TOOL_CALL, end=["<|im_end|>"], write=lined(qwen_coder),
                        lookalike="A <function> has one <parameter name=\"x\">; see function=get_time and parameter=city."),
    "smollm3": dict(source="HuggingFaceTB/SmolLM3-3B, chat_template.jinja", special=CHATML + TOOL_CALL + THINK, end=["<|im_end|>"], reasoning=True,
                    write=thinking("<think>\n", "\n</think>\n", lined(lambda c: f"<tool_call>{named(c)}</tool_call>"))),
    "lfm2": dict(source="LiquidAI/LFM2-1.2B, model card", special=CHATML + ["<|tool_list_start|>", "<|tool_list_end|>", "<|tool_call_start|>", "<|tool_call_end|>", "<|tool_response_start|>",
                                                                            "<|tool_response_end|>"], end=["<|im_end|>"],
                 write=lambda content, reasoning, calls: content + (f"<|tool_call_start|>{python_list(calls)}<|tool_call_end|>" if calls else ""),
                 lookalike="[get_time(), get_weather(city=\"Oslo\")]"),
    "llama3.1": dict(source="meta-llama/Llama-3.1-8B-Instruct, tokenizer_config.json", special=LLAMA, end=["<|eot_id|>", "<|eom_id|>"], parallel=False, text_before=False,
                     write=listed("", "", lambda c: named(c, arguments="parameters")), lookalike='{"name": "get_time", "parameters": {}}'),
    "llama3.2": dict(source="meta-llama/Llama-3.2-3B-Instruct, tokenizer_config.json", special=LLAMA, end=["<|eot_id|>", "<|eom_id|>"], parallel=False, text_before=False,
                     write=listed("", "", lambda c: named(c, arguments="parameters")), lookalike='{"name": "get_time", "parameters": {}}'),
    "llama3.2-pythonic": dict(source="Llama 3.2 text models, prompt format documentation", special=LLAMA, end=["<|eot_id|>", "<|eom_id|>"], text_before=False,
                              write=lambda content, reasoning, calls: content + (python_list(calls) if calls else ""), lookalike="[get_time(), get_weather(city=\"Oslo\")]"),
    "mistral-v3": dict(source="mistralai/Mistral-7B-Instruct-v0.3, tokenizer v3", special=MISTRAL, end=["</s>"], ids=NINE, lookalike="[TOOL_CALLS] [{\"name\"",
                       write=spaced(listed("[TOOL_CALLS] [", "]", lambda c: dumped({"name": c["name"], "arguments": c["arguments"], "id": c["id"]})))),
    "mistral-nemo": dict(source="mistralai/Mistral-Nemo-Instruct-2407, tokenizer v3 of Tekken", special=MISTRAL, end=["</s>"], ids=NINE, lookalike="[TOOL_CALLS][{\"name\"",
                         write=listed("[TOOL_CALLS][", "]", lambda c: dumped({"name": c["name"], "arguments": c["arguments"], "id": c["id"]}))),
    "mistral-v11": dict(source="mistralai/Mistral-Small-3.2-24B-Instruct-2506, tokenizer v11", special=MISTRAL + ["[CALL_ID]", "[ARGS]", "[TOOL_CONTENT]"], end=["</s>"], ids=NINE,
                        lookalike="[TOOL_CALLS]get_time[ARGS]{}", write=joined(lambda c: f"[TOOL_CALLS]{c['name']}[CALL_ID]{c['id']}[ARGS]{dumped(c['arguments'])}")),
    "mistral-v13": dict(source="mistralai/Ministral-3-8B-Instruct-2512 and Devstral, tokenizer v13", special=MISTRAL + ["[ARGS]"], end=["</s>"], lookalike="[TOOL_CALLS]get_time[ARGS]{}",
                        write=joined(lambda c: f"[TOOL_CALLS]{c['name']}[ARGS]{dumped(c['arguments'])}")),
    "phi-4-mini": dict(source="microsoft/Phi-4-mini-instruct, model card", special=["<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|tool|>", "<|/tool|>", "<|tool_call|>",
                                                                                  "<|/tool_call|>", "<|tool_response|>"], end=["<|end|>"], write=listed("<|tool_call|>[", "]<|/tool_call|>")),
    "phi-4-mini-functools": dict(source="microsoft/Phi-4-mini-instruct, function calling example of the Phi cookbook: a word before the list", special=["<|system|>", "<|user|>", "<|assistant|>",
                                 "<|end|>", "<|tool|>", "<|/tool|>", "<|tool_response|>"], end=["<|end|>"], write=listed("functools[", "]"), lookalike="functools[{\"name\": \"get_time\"}]"),
    "granite3": dict(source="ibm-granite/granite-3.3-8b-instruct, tokenizer_config.json", special=GRANITE + ["<|tool_call|>"], end=["<|end_of_text|>"], write=listed("<|tool_call|>[", "]")),
    "granite3.1": dict(source="ibm-granite/granite-3.1-8b-instruct: a tag in place of the token", special=GRANITE, end=["<|end_of_text|>"], write=listed("<tool_call>[", "]")),
    "granite4": dict(source="ibm-granite/granite-4.0-micro, chat_template.jinja", special=GRANITE, end=["<|end_of_text|>"], write=lined(hermes)),
    "functiongemma": dict(source="google/functiongemma-270m-it, formatting documentation", special=["<start_of_turn>", "<end_of_turn>", "<start_function_declaration>",
                          "<end_function_declaration>", "<start_function_call>", "<end_function_call>", "<start_function_response>", "<end_function_response>", "<escape>"],
                          end=["<end_of_turn>", "<start_function_response>"], lookalike="call:get_time{} and {city:Oslo,days:[1,2]}",
                          write=joined(lambda c: f"<start_function_call>call:{c['name']}{escaped(c['arguments'])}<end_function_call>")),
    "deepseek-v3": dict(source="deepseek-ai/DeepSeek-V3, tokenizer_config.json", special=DEEPSEEK + ["<｜tool▁outputs▁begin｜>", "<｜tool▁outputs▁end｜>"], end=["<｜end▁of▁sentence｜>"],
                        write=deepseek("\n", lambda c: f"function<｜tool▁sep｜>{c['name']}\n```json\n{dumped(c['arguments'])}\n```"), lookalike="function\n```json\n{}\n```"),
    "deepseek-v3.1": dict(source="deepseek-ai/DeepSeek-V3.1, tokenizer_config.json", special=DEEPSEEK + THINK, end=["<｜end▁of▁sentence｜>"], reasoning=False,
                          write=deepseek("", lambda c: f"{c['name']}<｜tool▁sep｜>{dumped(c['arguments'])}"), lookalike="function\n```json\n{}\n```"),
    "names-as-tags": dict(source="composed: a parameter's name is its tag, as MiniMaxAI/MiniMax-M3 has it, but lists and objects are JSON", special=CHATML, end=["<|im_end|>"],
                          write=listed("\n<calls>", "\n</calls>", tagged, ""), lookalike="<calls> of <invoke name=\"get_time\"> and </city>"),
    "deepseek-v3.2": dict(source="deepseek-ai/DeepSeek-V3.2, encoding_dsv32.py", special=["<｜User｜>", "<｜Assistant｜>", "｜DSML｜", "<｜end▁of▁sentence｜>"], end=["<｜end▁of▁sentence｜>"],
                          write=listed("\n\n<｜DSML｜function_calls>\n", "</｜DSML｜function_calls>", dsml, ""), lookalike='<invoke name="get_time"> has a <parameter name="x" string="true">'),
    "glm-4.5": dict(source="zai-org/GLM-4.5-Air, chat_template.jinja", special=["[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>", "<|observation|>", "<|endoftext|>", "<tool_response>",
                    "</tool_response>", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>"] + TOOL_CALL + THINK, end=["<|user|>", "<|observation|>", "<|endoftext|>"], reasoning=True,
                    write=lambda content, reasoning, calls: f"\n<think>{reasoning}</think>" + "".join(["\n" + content] if content else []) + "".join("\n" + glm(c) for c in calls),
                    lookalike="The arg_key is city, the arg_value <b>Oslo</b>, in a tool_call."),
    "kimi-k2": dict(source="moonshotai/Kimi-K2-Instruct, tool calling guidance", special=["<|im_system|>", "<|im_user|>", "<|im_assistant|>", "<|im_middle|>", "<|im_end|>",
                    "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>", "<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>"], end=["<|im_end|>"],
                    ids="functions.{name}:{index}", lookalike="functions.get_time:0",
                    write=listed("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>",
                                 lambda c: f"<|tool_call_begin|>{c['id']}<|tool_call_argument_begin|>{dumped(c['arguments'])}<|tool_call_end|>", "")),
    "command-r": dict(source="CohereLabs/c4ai-command-r-v01, model card", special=COHERE, end=["<|END_OF_TURN_TOKEN|>"], lookalike="Action: ```json\n[]```",
                      write=lambda content, reasoning, calls: "\n".join(([content] if content else []) + ([command_r(calls)] if calls else []))),
    "command-r7b": dict(source="CohereLabs/c4ai-command-r7b-12-2024, tokenizer_config.json", special=COHERE + ["<|START_ACTION|>", "<|END_ACTION|>", "<|START_THINKING|>", "<|END_THINKING|>",
                        "<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TOOL_RESULT|>", "<|END_TOOL_RESULT|>"], end=["<|END_OF_TURN_TOKEN|>"], text_before=False, reasoning=True,
                        ids="{index}", write=command_r7b, lookalike='[{"tool_call_id": "0", "tool_name": "get_time"}]'),
    "gpt-oss": dict(source="openai/gpt-oss-20b, harmony response format documentation: as the model writes", special=HARMONY, end=["<|call|>", "<|return|>"], parallel=False, reasoning=True,
                    write=lambda content, reasoning, calls: harmony("<|channel|>commentary to=functions.{} <|constrain|>json<|message|>", content, reasoning, calls),
                    lookalike="to=functions.get_time on the commentary channel"),
    "gpt-oss-recipient": dict(source="openai/gpt-oss-20b, chat_template.jinja: the recipient in the role's header", special=HARMONY, end=["<|call|>", "<|return|>"], parallel=False, reasoning=True,
                              write=lambda content, reasoning, calls: harmony(" to=functions.{}<|channel|>commentary json<|message|>", content, reasoning, calls),
                              lookalike="to=functions.get_time on the commentary channel"),
    "generic": dict(source="none: ChatML that knows no tools; calls are JSON objects in lines, the form that Baton asks for", special=CHATML, end=["<|im_end|>"], knows_tools=False,
                    write=lined(named), lookalike='{"name": "get_time", "arguments": {}}'),
}

# Not used while Baton's reading of templates was written: they show whether it is general.
UNSEEN = {
    "minimax-m2": dict(source="MiniMaxAI/MiniMax-M2, chat_template.jinja", special=["]~!b[", "]~b]", "[e~[", "<minimax:tool_call>", "</minimax:tool_call>"] + THINK, end=["[e~["], reasoning="always",
                       write=thinking("", "\n</think>\n\n", listed("\n<minimax:tool_call>\n", "</minimax:tool_call>", invoked, "")),
                       lookalike="An <invoke> with a <parameter name=\"city\">, and then invoke get_time."),
    "seed-oss": dict(source="ByteDance-Seed/Seed-OSS-36B-Instruct, chat_template.jinja", special=["<seed:bos>", "<seed:eos>", "<seed:think>", "</seed:think>", "<seed:tool_call>",
                     "</seed:tool_call>"], end=["<seed:eos>"], reasoning=True, write=thinking("<seed:think>", "</seed:think>\n", lined(seed)),
                     lookalike="A <function> has one <parameter name=\"x\">; see function=get_time and parameter=city."),
    "nemotron-nano-v2": dict(source="nvidia/NVIDIA-Nemotron-Nano-9B-v2, tokenizer_config.json", special=["<SPECIAL_10>", "<SPECIAL_11>", "<SPECIAL_12>"], end=["<SPECIAL_12>"], reasoning="always",
                             write=thinking("", "\n</think>\n", lambda content, reasoning, calls: "\n\n".join(([content] if content else []) + (
                                 ["<TOOLCALL>[" + ", ".join(map(named, calls)) + "]</TOOLCALL>"] if calls else []))), lookalike="<TOOLCALL>[]</TOOLCALL>"),
    "functionary-v3.1": dict(source="meetkai/functionary-medium-v3.1, tokenizer_config.json", special=LLAMA, end=["<|eot_id|>", "<|eom_id|>"],
                             write=joined(lambda c: f"<function={c['name']}>{dumped(c['arguments'])}</function>"), lookalike="<function=get_time>{}</function>"),
    "apriel-1.5": dict(source="ServiceNow-AI/Apriel-1.5-15b-Thinker, chat_template.jinja", special=["<|system|>", "<|user|>", "<|assistant|>", "<|tool_result|>", "<|end|>"], end=["<|end|>"],
                       write=listed("\n<tool_calls>[", "]</tool_calls>"), lookalike="<tool_calls>[]</tool_calls>"),
    "gemma4": dict(source="google/gemma-4-E4B-it, chat_template.jinja", special=["<|turn>", "<turn|>", "<|tool>", "<tool|>", "<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>",
                   '<|"|>'], end=["<turn|>", "<|tool_response>"], lookalike="call:get_time{} and {city:Oslo,days:[1,2]}",
                   write=joined(lambda c: f"<|tool_call>call:{c['name']}{escaped(c['arguments'])}<tool_call|>".replace("<escape>", '<|"|>'))),
    "gigachat3": dict(source="ai-sage/GigaChat3-10B-A1.8B, chat_template.jinja: the call is a message of its own role", special=["<|role_sep|>", "<|message_sep|>"], end=["<|message_sep|>"],
                      parallel=False, write=lambda content, reasoning, calls: content + "".join(f"<|message_sep|>\n\nfunction call<|role_sep|>\n{named(c)}" for c in calls),
                      lookalike='function call\n{"name": "get_time", "arguments": {}}'),
    "olmo3": dict(source="allenai/Olmo-3-7B-Instruct, chat_template.jinja", special=CHATML, end=["<|im_end|>"], lookalike="get_time()\nget_weather(city=\"Oslo\")</function_calls>",
                  write=lambda content, reasoning, calls: "\n".join(([content] if content else []) + (
                      ["<function_calls>" + "\n".join(python_list([c])[1:-1] for c in calls) + "</function_calls>"] if calls else []))),
    "xlam2": dict(source="Salesforce/xLAM-2-1b-fc-r, model card: a list and nothing beside it", special=CHATML, end=["<|im_end|>"], text_before=False, write=listed("[", "]"),
                  lookalike='[{"name": "get_time", "arguments": {}}]'),
    "internlm2.5": dict(source="internlm/internlm2_5-7b-chat, tool calling documentation", special=CHATML + ["<|action_start|>", "<|action_end|>", "<|plugin|>"], end=["<|im_end|>"], parallel=False,
                        write=joined(lambda c: "<|action_start|><|plugin|>\n" + named(c, arguments="parameters") + "<|action_end|>"), lookalike='{"name": "get_time", "parameters": {}}'),
}


def with_ids(calls, ids):
    if not ids:
        return calls
    made = [ids.format(name=c["name"], index=i) for i, c in enumerate(calls)] if isinstance(ids, str) else ids
    return [{"id": made[i], **c} for i, c in enumerate(calls)]


def outputs(family):
    """The content of a family's file."""
    about = FAMILIES.get(family) or UNSEEN[family]
    thinks = about.get("reasoning", False)
    out = []
    for key, content, reasoning, calls in cases(about.get("lookalike", TAGS_IN_TEXT)):
        if len(calls) > 1 and not about.get("parallel", True) or content and calls and not about.get("text_before", True) or reasoning and not thinks:
            continue
        if thinks == "always":
            reasoning = reasoning or "Nothing to ponder."
        calls = with_ids(calls, about.get("ids"))
        out.append({"case": key, "text": about["write"](content, reasoning, calls), "content": content, "reasoning": reasoning, "calls": calls})
    return {"family": family, "source": about["source"], "knows_tools": about.get("knows_tools", True), "parallel": about.get("parallel", True),
            "text_before_call": about.get("text_before", True), "special_tokens": about["special"], "end_of_turn": about["end"], "tools": TOOLS, "outputs": out}
