"""Judges an answer: the calls in it, the verdict of bfcl-eval's own checker on them, and the kind of a failure."""
import json
import math
import sys
import types

from tests.bench.bfcl import cases as bfcl_cases

NO_CALL, IN_TEXT, CUT_OFF, FUNCTION, MISSING, EXTRA, VALUE, MALFORMED, COUNT, UNWANTED, SERVER = KINDS = [
    "no call", "call in text", "no call, cut off", "wrong function", "argument missing", "argument extra", "argument's value", "arguments not an object",
    "wrong count", "call where none was wanted", "error of the server"]


def wilson(right, n, z=1.96):
    """The interval that contains the true share 95 times of 100 (Wilson 1927), from 0 to 1."""
    if n == 0:
        return 0.0, 1.0
    share = right / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def arguments_of(value):
    """A dict, or None for anything else: OpenAI sends a JSON text, some servers the object."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return value if isinstance(value, dict) else None


def message_of(answer):
    choices = answer.get("choices") if isinstance(answer, dict) else None
    return (choices[0] if choices else {}).get("message") or {}


def native_calls(answer):
    """[(name, arguments or None)] of the message's tool_calls."""
    return [(call["function"]["name"], arguments_of(call["function"].get("arguments")))
            for call in message_of(answer).get("tool_calls") or [] if call.get("type", "function") == "function"]


def call_in(value):
    """The call in a JSON object, or None. An object with a description is the tool's own declaration, repeated."""
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("function"), dict):
        value = value["function"]
    if not isinstance(value.get("name"), str) or "description" in value:
        return None
    for key in ("arguments", "parameters"):
        if key in value:
            return value["name"], arguments_of(value[key])
    return None


def text_calls(text):
    """Calls in text as JSON: alone, in a list, in a fence, in tags, among words."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text):
        if text[at] not in "{[":
            at += 1
            continue
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
            continue
        calls = [call_in(entry) for entry in (value if isinstance(value, list) else [value])]
        if calls and all(calls):
            found += calls
            at = end
        else:
            at += 1  # an object that is not a call may contain one
    return found


def lenient_calls(answer):
    return native_calls(answer) or text_calls(message_of(answer).get("content") or "")


def was_cut_off(record):
    choices = record["answer"].get("choices") if isinstance(record["answer"], dict) else None
    return bool(choices) and choices[0].get("finish_reason") == "length"


def kind_of(error_type, errors):
    """The kind of the checker's error."""
    what = error_type.rpartition(":")[2]
    if what == "cannot_find_match":
        # One entry for each call that was compared with the expected one: the closest call tells the error.
        kinds = [kind_of(sub["sub_error_type"], sub["sub_error"]) for entry in errors if isinstance(entry, dict) for sub in entry.values()]
        return next((kind for kind in kinds if kind != FUNCTION), FUNCTION)
    if what == "wrong_count":
        return COUNT
    if what == "wrong_func_name":
        return FUNCTION
    if what in ("missing_required", "missing_optional") or what == "dict_key" and str(errors[0]).startswith("Missing"):
        return MISSING
    if what in ("unexpected_param", "dict_key"):
        return EXTRA
    return VALUE


def checker():
    """bfcl_eval's ast_checker. Its module of models, of which it asks one flag, imports the clients of twenty services: a stand-in says that names keep their dots."""
    if "bfcl_eval.constants.model_config" not in sys.modules:
        stand_in = types.ModuleType("bfcl_eval.constants.model_config")
        stand_in.MODEL_CONFIG_MAPPING = {"any": types.SimpleNamespace(underscore_to_dot=False)}
        sys.modules[stand_in.__name__] = stand_in
    from bfcl_eval.constants.enums import Language
    from bfcl_eval.eval_checker.ast_eval.ast_checker import ast_checker
    return lambda functions, calls, expected, category: ast_checker(functions, calls, expected, Language.PYTHON, category, "any")


def verdict(case, record, lenient, check):
    """(None or the kind of the failure, its detail). record: {"status", "answer"}; check: checker()."""
    answer = record["answer"]
    if record["status"] != 200:
        return SERVER, f"{record['status']}: {str(answer)[:300]}"
    calls = lenient_calls(answer) if lenient else native_calls(answer)
    if "irrelevance" in case["category"]:
        return (UNWANTED, f"{calls}") if calls else (None, "")
    if not calls:
        if not lenient and (in_text := lenient_calls(answer)):
            return IN_TEXT, f"{in_text}"
        return (CUT_OFF if was_cut_off(record) else NO_CALL), ""
    if case["category"] == "live_relevance":  # any call will do: BFCL has no answers for these
        return None, ""
    if any(arguments is None for _, arguments in calls):
        return MALFORMED, f"{calls}"
    back = bfcl_cases.names_back(case)
    decoded = [{back.get(name, name): arguments} for name, arguments in calls]
    try:
        result = check(case["functions"], decoded, case["expected"], case["category"])
    except (AttributeError, TypeError, KeyError, IndexError) as error:  # values of types that the checker does not expect
        return VALUE, f"the checker: {type(error).__name__}: {error}"
    return (None, "") if result["valid"] else (kind_of(result["error_type"], result["error"]), str(result["error"]))
