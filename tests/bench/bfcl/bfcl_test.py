"""Reading, judging and sorting of BFCL's answers: without bfcl-eval, whose checker is a stand-in here."""
import pathlib
import tempfile
import types
import unittest

from tests.bench.bfcl import answers as bfcl_answers
from tests.bench.bfcl import cases as bfcl_cases
from tests.bench.bfcl import judge


def answer(content=None, calls=(), finish="stop"):
    message = {"content": content, "tool_calls": [{"type": "function", "function": {"name": name, "arguments": arguments}} for name, arguments in calls]}
    return {"status": 200, "answer": {"choices": [{"message": message, "finish_reason": finish}]}}


def case(category="simple_python", name="math.hypot"):
    return {"id": "x", "category": category, "messages": [], "expected": [{name: {"x": [3]}}],
            "functions": [{"name": name, "description": "", "parameters": {"type": "dict", "properties": {"x": {"type": "integer"}}, "required": ["x"]}}]}


def says(error_type, *errors):
    return lambda *_: {"valid": error_type is None, "error_type": error_type, "error": list(errors)}


class Wilson(unittest.TestCase):
    def test_known_intervals(self):
        for right, n, low, high in [(0, 50, 0.0, 0.0713), (50, 50, 0.9287, 1.0), (25, 50, 0.3664, 0.6336), (1, 10, 0.0179, 0.4042)]:
            found = judge.wilson(right, n)
            self.assertAlmostEqual(found[0], low, 3)
            self.assertAlmostEqual(found[1], high, 3)

    def test_nothing_asked_says_nothing(self):
        self.assertEqual(judge.wilson(0, 0), (0.0, 1.0))


class Requests(unittest.TestCase):
    def test_types_of_bfcl_become_json_schema_at_every_depth(self):
        bfcl = {"type": "dict", "required": ["a"], "properties": {
            "a": {"type": "tuple", "items": {"type": "float"}}, "b": {"type": "any", "optional": True, "default": {"type": "float"}},
            "type": {"type": "dict", "properties": {"c": {"type": "array", "items": {"type": "dict", "properties": {}}}}}}}
        self.assertEqual(bfcl_cases.schema(bfcl), {"type": "object", "required": ["a"], "properties": {
            "a": {"type": "array", "items": {"type": "number"}}, "b": {"default": {"type": "float"}},
            "type": {"type": "object", "properties": {"c": {"type": "array", "items": {"type": "object", "properties": {}}}}}}})

    def test_names_go_and_come_back(self):
        self.assertEqual(bfcl_cases.tools(case())[0]["function"]["name"], "math_hypot")
        self.assertEqual(bfcl_cases.names_back(case()), {"math_hypot": "math.hypot"})


class Reading(unittest.TestCase):
    def test_calls_in_text(self):
        call = '{"name": "f", "arguments": {"x": 1}}'
        for text in [call, f"```json\n{call}\n```", f"<tool_call>\n{call}\n</tool_call>", f"[{call}]", f"I call {{it}}: {call}.", "{" + call + "}",
                     '{"tool_calls": [{"type": "function", "function": {"name": "f", "arguments": "{\\"x\\": 1}"}}]}', '{"name": "f", "parameters": {"x": 1}}']:
            self.assertEqual(judge.text_calls(text), [("f", {"x": 1})], text)
        self.assertEqual(len(judge.text_calls(f"{call}\n{call}")), 2)

    def test_what_is_no_call(self):
        for text in ["", "It is 5.", '{"x": 1}', "[]", "[1, 2]", '{"name": "f"}', '{"name": "f", "arguments": ',
                     '{"name": "f", "description": "d", "parameters": {"type": "object"}}']:
            self.assertEqual(judge.text_calls(text), [], text)

    def test_native_calls_go_before_text(self):
        both = answer('{"name": "g", "arguments": {}}', [("f", "{}")])["answer"]
        self.assertEqual(judge.lenient_calls(both), [("f", {})])


class Verdict(unittest.TestCase):
    def kind(self, record, error_type=None, *errors, category="simple_python", lenient=False):
        return judge.verdict(case(category), record, lenient, says(error_type, *errors))[0]

    def test_without_a_call(self):
        self.assertEqual(self.kind(answer("Five.")), judge.NO_CALL)
        self.assertEqual(self.kind(answer("Fi", finish="length")), judge.CUT_OFF)
        text = answer('{"name": "math_hypot", "arguments": {"x": 3}}')
        self.assertEqual(self.kind(text), judge.IN_TEXT)
        self.assertIsNone(self.kind(text, lenient=True))
        self.assertEqual(self.kind({"status": 500, "answer": "no"}), judge.SERVER)

    def test_irrelevance_and_relevance(self):
        text, call = answer('{"name": "joke", "arguments": {}}'), answer(calls=[("f", "{}")])
        for category in ("irrelevance", "live_irrelevance"):
            self.assertIsNone(self.kind(text, category=category))
            self.assertEqual(self.kind(text, category=category, lenient=True), judge.UNWANTED)
            self.assertEqual(self.kind(call, category=category), judge.UNWANTED)
            self.assertEqual(self.kind({"status": 500, "answer": "no"}, category=category), judge.SERVER)
        self.assertTrue(judge.was_cut_off(answer("1000", finish="length")))
        self.assertFalse(judge.was_cut_off({"status": 500, "answer": "no"}))
        self.assertIsNone(self.kind(call, category="live_relevance"))
        self.assertEqual(self.kind(answer("no"), category="live_relevance"), judge.NO_CALL)

    def test_the_checker_gets_bfcl_s_names(self):
        seen = []
        judge.verdict(case(), answer(calls=[("math_hypot", '{"x": 3}')]), False, lambda *given: seen.append(given) or {"valid": True})
        self.assertEqual(seen[0][1], [{"math.hypot": {"x": 3}}])

    def test_what_the_checker_says_is_sorted(self):
        call = answer(calls=[("f", "{}")])
        sub = lambda kind, error: {"Model Result Index 0": {"sub_error_type": kind, "sub_error": [error]}}
        name = sub("simple_function_checker:wrong_func_name", "")
        for error_type, errors, kind in [
                ("simple_function_checker:wrong_count", [], judge.COUNT), ("simple_function_checker:wrong_func_name", [], judge.FUNCTION),
                ("simple_function_checker:missing_required", [], judge.MISSING), ("simple_function_checker:missing_optional", [], judge.MISSING),
                ("simple_function_checker:unexpected_param", [], judge.EXTRA), ("value_error:dict_key", ["Missing dict key parameter: 'a'."], judge.MISSING),
                ("value_error:dict_key", ["Unexpected dict key parameter: 'a'."], judge.EXTRA), ("type_error:nested", [], judge.VALUE),
                ("value_error:string", [], judge.VALUE), ("parallel_function_checker_no_order:cannot_find_match", ["none", name], judge.FUNCTION),
                ("parallel_function_checker_no_order:cannot_find_match", ["none", name, sub("value_error:others", "")], judge.VALUE)]:
            self.assertEqual(self.kind(call, error_type, *errors), kind, error_type)
        self.assertEqual(self.kind(answer(calls=[("f", "[1]")])), judge.MALFORMED)

    def test_a_checker_that_breaks_is_a_wrong_value(self):
        def breaks(*_):
            raise TypeError("unhashable")
        self.assertEqual(judge.verdict(case(), answer(calls=[("f", "{}")]), False, breaks)[0], judge.VALUE)


class Keeping(unittest.TestCase):
    def test_answers_are_found_again_and_errors_asked_again(self):
        with tempfile.TemporaryDirectory() as folder:
            cases = [{**case("c"), "id": name} for name in "ab"]
            server = types.SimpleNamespace(key="k", settings={"v": 1}, about="")
            before, bfcl_answers.folder = bfcl_answers.folder, lambda model: pathlib.Path(folder) / model
            try:
                kept = bfcl_answers.Answers("m", server)
                kept.keep(cases[0], 200, {"choices": []}, 2.0)
                kept.keep(cases[1], 500, "no", 9.0)
                with open(kept.path, "a", encoding="utf-8") as file:
                    file.write('{"id": "b", "sta')  # a run that was killed
                self.assertEqual(bfcl_answers.Answers("m", server).missing(cases), cases[1:])
                kept.keep(cases[1], 200, {"choices": []}, 2.0)
                self.assertEqual(bfcl_answers.Answers("m", server).missing(cases), [])
                asked_otherwise = {**cases[0], "messages": ["another"]}
                self.assertEqual(bfcl_answers.Answers("m", server).missing([asked_otherwise]), [asked_otherwise])
                self.assertEqual(bfcl_answers.Answers("m", types.SimpleNamespace(key="k", settings={"v": 2}, about="")).missing(cases), cases)
                self.assertEqual(bfcl_answers.seconds_known("m", "k"), {"c": 2.0})
            finally:
                bfcl_answers.folder = before

    def test_the_estimate(self):
        self.assertIsNone(bfcl_answers.estimate([{"category": "c"}], {}))
        self.assertEqual(bfcl_answers.estimate([{"category": "c"}, {"category": "new"}], {"c": 1.0, "d": 3.0}), 3.0)

    def test_a_server_that_ends_is_no_wrong_answer(self):
        class Server(types.SimpleNamespace):
            def ask(self, *_):
                self.asked += 1
                return (0, "Connection refused", 0.0) if self.dies else (200, {"choices": []}, 1.0)

            def ended(self):
                return "it ended with status -4" if self.dies else None
        before = bfcl_answers.folder, bfcl_cases.request
        with tempfile.TemporaryDirectory() as folder:
            bfcl_answers.folder, bfcl_cases.request = lambda model: pathlib.Path(folder) / model, lambda given, _: given
            try:
                cases = [{**case("c"), "id": name} for name in "abc"]
                kept = [bfcl_answers.Answers("m", Server(key=key, settings={}, about="", model="", title=key, dies=key == "b", asked=0)) for key in "ab"]
                self.assertEqual(bfcl_answers.ask_all(kept, cases), {"b": "it ended with status -4"})
                self.assertEqual((kept[0].missing(cases), kept[1].missing(cases)), ([], cases))
                self.assertEqual(kept[1].server.asked, 1)
            finally:
                bfcl_answers.folder, bfcl_cases.request = before

    def test_categories_take_turns(self):
        cases = [{"id": i, "category": category} for i, category in enumerate("aaab")]
        self.assertEqual([case["id"] for case in bfcl_answers.by_turns(cases)], [0, 3, 1, 2])


if __name__ == "__main__":
    unittest.main()
