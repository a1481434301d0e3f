"""The questions of the decision to call, and the arithmetic of their thresholds."""
import unittest

from tests.bench import decision


class Questions(unittest.TestCase):
    def setUp(self):
        self.pairs = decision.load()

    def test_there_are_enough_and_none_twice(self):
        questions = [question for pair in self.pairs for question in pair]
        self.assertGreaterEqual(len(self.pairs), 200)
        for field in ("id", "user"):
            self.assertEqual(len({question[field] for question in questions}), len(questions))

    def test_a_pair_is_two_questions_to_the_same_tools_and_one_of_them_is_answered_by_one(self):
        for should, should_not in self.pairs:
            self.assertEqual(should["tools"], should_not["tools"], should["id"])
            names = [tool["function"]["name"] for tool in should["tools"]]
            self.assertIn(should["tool"], names)
            self.assertEqual(len(set(names)), len(names))
            self.assertIn(len(names), range(1, 5))
            self.assertEqual((should["should_call"], should_not["should_call"], should_not["tool"]), (True, False, None))

    def test_a_smaller_sample_is_part_of_a_greater_one(self):
        self.assertEqual(decision.load(20), decision.load(60)[:20])

    def test_two_questions_of_the_same_tools_are_asked_at_once(self):
        one = decision.doubles(self.pairs)
        self.assertGreaterEqual(len(one), 60)
        question = next(question for question in one if question["id"] == "weather-double")
        users = {question["id"]: question["user"] for pair in self.pairs for question in pair}
        self.assertEqual(question["user"], f"{users['weather-1-call']} {users['weather-2-call']}")
        few = decision.doubles(self.pairs[:20])
        self.assertTrue(0 < len(few) < 20 and all(question in one for question in few))


class Thresholds(unittest.TestCase):
    def test_no_call_reaches_no_threshold(self):
        self.assertEqual([decision.rates([None, 0.2, 0.9], t) for t in (0, 0.2, 0.5, 1)], [2 / 3, 2 / 3, 1 / 3, 0])

    def test_the_best_threshold_is_the_middle_of_those_that_are_as_good(self):
        should, should_not = [0.8, 0.9, 0.8], [0.2, None, 0.1]
        self.assertAlmostEqual(decision.best_threshold(should, should_not), 0.5)
        self.assertEqual(decision.balanced(should, should_not, 0.5), 1)

    def test_a_threshold_that_does_not_carry_over_is_seen_on_the_other_half(self):
        separable = [(0.9, 0.1)] * 40
        alike = [(0.1 + i / 50, 0.1 + (39 - i) / 50) for i in range(40)]
        self.assertEqual(decision.held_out(separable), 1)
        self.assertLess(decision.held_out(alike), 0.6)

    def test_the_first_call_counts(self):
        call = {"type": "function_call", "name": "a", "arguments": "{}", "baton.confidence": 0.25}
        self.assertEqual(decision.first_call({"output": [{"type": "message"}, call, {**call, "name": "b"}]}), ("a", 0.25))
        self.assertIsNone(decision.first_call({"output": [{"type": "message"}]}))


if __name__ == "__main__":
    unittest.main()
