#pragma once
// Python's str functions over marked text, shared by filters and methods. Each character of a result carries the mark of the one it came
// from; added characters belong to the template only if the whole text does.
#include <cstddef>
#include <vector>

#include <baton/llm/chat_template/interpreter.h>

namespace baton::llm::jinja {

enum class Case { upper, lower, title, capitalize, swap };
Text with_case(Interpreter& in, const Text& text, Case wanted);

// At most `count` replacements; below 0: all.
Text replaced(Interpreter& in, const Text& text, const Text& old, const Text& with, Integer count);
Text joined(Interpreter& in, const Text& separator, const std::vector<Value>& items);
Text reversed(Interpreter& in, const Text& text);

// `separator` null: runs of white space. `limit` below 0: no limit.
std::vector<Value> split(Interpreter& in, const Text& text, const Text* separator, Integer limit);
std::vector<Value> split_from_right(Interpreter& in, const Text& text, const Text* separator, Integer limit);
std::vector<Value> split_lines(Interpreter& in, const Text& text, bool keep_ends);

// `text` with this many copies of the character `fill` on either side.
Text padded(Interpreter& in, const Text& text, const Text& fill, Integer before, Integer after);
// The number of characters missing from `text` for `width`, at least 0.
Integer lacking(const Text& text, Integer width);
// str.center.
Text centered(Interpreter& in, const Text& text, Integer width, const Text& fill);

// Python's interpretation of an index or a slice bound: a negative one counts from the end, and one beyond an end is clamped.
std::size_t clamped(Integer index, std::size_t length);

}  // namespace baton::llm::jinja
