// The characters of a prompt that belong to the template: those of its own text and literals, through every operator.
#include <baton/llm/chat_template/chat_template.h>
#include <gtest/gtest.h>

namespace baton::llm {
namespace {

const Json kVariables = {
    {"h", "<|im_end|>"},
    {"lines", "<|a|>\n<|b|>\n"},
    {"list", {"<|im_end|>", "<|x|>"}},
    {"map", {{"<|key|>", "<|value|>"}, {"n", 7}, {"deep", {{"k", {"<|leaf|>", nullptr, true}}}}}},
    {"people", {{{"name", "<|bo|>"}, {"age", 3}}, {{"name", "<|al|>"}, {"age", 2}}}},
    {"n", 42},
    {"f", 2.5},
    {"yes", true},
    {"nothing", nullptr},
};

std::vector<Span> spans_of(const std::string& source, const Json& trusted = Json::object()) {
  auto parsed = ChatTemplate::parse(source, "t");
  if (!parsed) {
    ADD_FAILURE() << source << "\n" << parsed.error().message;
    return {};
  }
  auto spans = parsed->render(TemplateVariables{kVariables, trusted});
  if (!spans) {
    ADD_FAILURE() << source << "\n" << spans.error().message;
    return {};
  }
  return *spans;
}

// Data in guillemets, the template's text unchanged.
std::string marked(const std::vector<Span>& spans) {
  std::string result;
  for (const Span& span : spans) result += span.from_template ? span.text : "«" + span.text + "»";
  return result;
}

TEST(Marks, spans_alternate_and_none_is_empty) {
  std::vector<Span> spans = spans_of("a{{ '' }}b{{ h }}{{ n }}{{ lines[:0] }}c");
  ASSERT_EQ(spans.size(), 3u);
  EXPECT_EQ(marked(spans), "ab«<|im_end|>42»c");
  EXPECT_EQ(joined(spans), "ab<|im_end|>42c");
  EXPECT_TRUE(spans_of("").empty());
}

struct Case {
  const char* source;
  const char* expected;  // data in guillemets
};

TEST(Marks, every_operator_keeps_each_characters_own_mark) {
  const Case kCases[] = {
      {"{{ 'a' + h + 'b' }}", "a«<|im_end|>»b"},
      {"{{ 'a' ~ h ~ n ~ 'b' ~ 1 }}", "a«<|im_end|>42»b1"},
      {"{{ h * 2 ~ '-' * 3 }}", "«<|im_end|><|im_end|>»---"},
      {"{{ ('a' + h + 'b')[::-1] }}", "b«>|dne_mi|<»a"},
      {"{{ ('ab' + h)[1:4] }}", "b«<|»"},
      {"{{ ('ab' + h)[0] ~ ('ab' + h)[-1] }}", "a«>»"},
      {"{{ ('a' + h)[1:-1:2] }}", "«<i_n|»"},
      {"{{ '%s|%5s|%-12s|%r' % (h, n, h, h) }}", "«<|im_end|>»|«   42»|«<|im_end|>  »|«'<|im_end|>'»"},
      {"{{ '%(k)s %(k).2s' % {'k': h} }}", "«<|im_end|>» «<|»"},
      {"{{ h % () }}{{ (h ~ '%s') % 'x' }}", "«<|im_end|><|im_end|>»x"},
      {"{{ h if yes else 'x' }}{{ nothing or 'x' }}{{ h and 'y' }}", "«<|im_end|>»xy"},
      {"{{ list }}", "«['<|im_end|>', '<|x|>']»"},
      {"{{ [h, 'x', 1, n] }}", "[«'<|im_end|>'», 'x', 1, «42»]"},
      {"{{ {'k': h} }}{{ (h,) }}", "{'k': «'<|im_end|>'»}(«'<|im_end|>'»,)"},
      {"{{ list + ['x'] }}", "«['<|im_end|>', '<|x|>', »'x'«]»"},
      {"{{ n + 1 }} {{ n * 2.0 }} {{ -n }} {{ 1 + 1 }} {{ n // 5 }} {{ f }} {{ yes }} {{ nothing }}",
       "«43» «84.0» «-42» 2 «8» «2.5» «True» «None»"},
  };
  for (const Case& c : kCases) EXPECT_EQ(marked(spans_of(c.source)), c.expected) << c.source;
}

TEST(Marks, every_filter_keeps_each_characters_own_mark) {
  const Case kCases[] = {
      {"{{ ('a' + h)|upper }}{{ ('A' + h)|lower }}{{ h|title }}{{ ('x ' + h)|capitalize }}",
       "A«<|IM_END|>»a«<|im_end|><|im_end|>»X «<|im_end|>»"},
      {"{{ ('  a' + h + '  ')|trim }}{{ h|trim('<>') }}", "a«<|im_end|>|im_end|»"},
      {"{{ h|replace('im', 'XY') }}{{ 'a.b'|replace('.', h) }}", "«<|»XY«_end|>»a«<|im_end|>»b"},
      {"{{ list|join(', ') }}{{ ['a', h]|join(h) }}{{ people|join('/', attribute='name') }}",
       "«<|im_end|>», «<|x|>»a«<|im_end|><|im_end|><|bo|>»/«<|al|>»"},
      {"{{ list|first }}{{ list|last }}{{ h|first }}{{ ('a' + h)|last }}", "«<|im_end|><|x|><>»"},
      {"{{ list|sort|join }}{{ list|reverse|join }}{{ ('a' + h)|reverse }}{{ list|unique|join }}{{ list|min }}{{ "
       "people|max(attribute='age') }}",
       "«<|im_end|><|x|><|x|><|im_end|>>|dne_mi|<»a«<|im_end|><|x|><|im_end|>{'name': '<|bo|>', 'age': 3}»"},
      {"{{ people|map(attribute='name')|join }}{{ list|map('upper')|join }}{{ list|select('string')|join }}{{ people|selectattr('age', "
       "'gt', 2)|map(attribute='name')|first }}",
       "«<|bo|><|al|><|IM_END|><|X|><|im_end|><|x|><|bo|>»"},
      {"{{ h|tojson }}", "«\"<|im_end|>\"»"},
      {"{{ map|tojson }}", "«{\"<|key|>\": \"<|value|>\", \"n\": 7, \"deep\": {\"k\": [\"<|leaf|>\", null, true]}}»"},
      {"{{ map.deep|tojson(indent=1) }}", "«{\n \"k\": [\n  \"<|leaf|>\",\n  null,\n  true\n ]\n}»"},
      {"{{ {'name': h, 'x': 1}|tojson }}", "{\"name\": «\"<|im_end|>\"», \"x\": 1}"},
      {"{{ ('a' + h)|tojson }}", "«\"»a«<|im_end|>\"»"},
      {"{{ map|tojson(separators=(' ', '-')) }}",
       "«{\"<|key|>\"»-«\"<|value|>\"» «\"n\"»-«7» «\"deep\"»-«{\"k\"»-«[\"<|leaf|>\"» «null» «true]}}»"},
      {"{{ h|string }}{{ h|default('x') }}{{ missing|default(h) }}{{ missing|default('x') }}{{ h|list|join }}",
       "«<|im_end|><|im_end|><|im_end|>»x«<|im_end|>»"},
      {"{{ lines|indent(2, true) }}{{ 'a\nb'|indent(2) }}{{ lines|indent('--') }}", "«  <|a|>\n  <|b|>\n»a\n  b«<|a|>\n»--«<|b|>\n»"},
      {"{{ h|escape }}{{ h|safe }}{{ h|forceescape }}{{ '<' + h|safe }}", "«&lt;|im_end|&gt;<|im_end|>&lt;|im_end|&gt;»&lt;«<|im_end|>»"},
      {"{{ 'v=%s'|format(h) }}{{ '%(a)s'|format(a=h) }}{{ h|center(12) }}{{ h|truncate(6, true, '..', 0) }}",
       "v=«<|im_end|><|im_end|> <|im_end|> <|im».."},
      {"{{ map|items|first|join('=') }}{{ map|dictsort|first|first }}", "«<|key|>»=«<|value|><|key|>»"},
      {"{{ list|length }} {{ h|length }} {{ h|wordcount }} {{ n|abs }} {{ '7'|int }} {{ n|string|int }} {{ f|round }} {{ "
       "list|map('length')|sum }}",
       "«2» «10» «1» «42» 7 «42» «2.0» «15»"},
      {"{{ list|batch(1)|list }}{{ people|groupby('age')|map(attribute='grouper')|list }}", "«[['<|im_end|>'], ['<|x|>']][2, 3]»"},
      {"{% filter upper %}a{{ h }}{% endfilter %}", "A«<|IM_END|>»"},
  };
  for (const Case& c : kCases) EXPECT_EQ(marked(spans_of(c.source)), c.expected) << c.source;
}

TEST(Marks, every_method_keeps_each_characters_own_mark) {
  const Case kCases[] = {
      {"{{ h.upper() }}{{ ('A' ~ h).lower() }}{{ h.title() }}{{ h.swapcase() }}{{ h.capitalize() }}",
       "«<|IM_END|>»a«<|im_end|><|Im_End|><|IM_END|><|im_end|>»"},
      {"{{ (' a' ~ h).strip() }}{{ h.lstrip('<|') }}{{ h.rstrip('|>') }}", "a«<|im_end|>im_end|><|im_end»"},
      {"{{ (h ~ ',b').split(',') }}", "«['<|im_end|>', »'b'«]»"},
      {"{{ (h ~ ' b').split()|join('+') }}{{ lines.splitlines()|join('+') }}{{ h.rsplit('_', 1)|join('+') }}",
       "«<|im_end|>»+b«<|a|>»+«<|b|><|im»+«end|>»"},
      {"{{ h.replace('im', 'XY') }}{{ 'a'.join(list) }}{{ h.partition('_')|join }}", "«<|»XY«_end|><|im_end|>»a«<|x|><|im»_«end|>»"},
      {"{{ '{} {x}'.format(h, x=n) }}{{ '{:>12}|{!r}'.format(h, h) }}{{ '{0[name]}'.format(people[0]) }}{{ (h ~ '{}').format(1) }}",
       "«<|im_end|>» «42  <|im_end|>»|«'<|im_end|>'<|bo|><|im_end|>»1"},
      {"{{ h.center(12, '*') }}{{ h.ljust(11) }}{{ 'x'.rjust(3) }}{{ h.zfill(11) }}", "«*<|im_end|>*<|im_end|> »  x«0<|im_end|>»"},
      {"{{ h.removeprefix('<|') }}{{ h.removesuffix('|>') }}", "«im_end|><|im_end»"},
      {"{{ map.keys()|list }}{{ map.get('<|key|>') }}{{ map.get('q', 'none') }}{{ map.items()|first }}",
       "«['<|key|>', 'n', 'deep']<|value|>»none«('<|key|>', '<|value|>')»"},
      {"{{ h.find('_') }} {{ h.count('|') }} {{ h.startswith('<') }}", "«4» «2» True"},
  };
  for (const Case& c : kCases) EXPECT_EQ(marked(spans_of(c.source)), c.expected) << c.source;
}

TEST(Marks, statements_keep_each_characters_own_mark) {
  const Case kCases[] = {
      {"{% set x %}a{{ h }}b{% endset %}{{ x }}", "a«<|im_end|>»b"},
      {"{% set x | upper %}a{{ h }}{% endset %}{{ x }}", "A«<|IM_END|>»"},
      {"{% macro m(x, y='d') %}<{{ x }}{{ y }}>{% endmacro %}{{ m(h) }}{{ m('a', h)|trim }}", "<«<|im_end|>»d><a«<|im_end|>»>"},
      {"{% macro m() %}[{{ caller(h) }}]{% endmacro %}{% call(x) m() %}c{{ x }}{% endcall %}", "[c«<|im_end|>»]"},
      {"{% set ns = namespace(t='') %}{% for x in list %}{% set ns.t = ns.t + x + ';' %}{% endfor %}{{ ns.t }}", "«<|im_end|>»;«<|x|>»;"},
      {"{% for c in 'a' + h %}{{ c }}{% endfor %}", "a«<|im_end|>»"},
      {"{% for k, v in map.items() %}{{ k }}{% break %}{% endfor %}", "«<|key|>»"},
      {"{% for x in list %}{{ loop.index }}{{ loop.previtem }}{% endfor %}", "12«<|im_end|>»"},
      {"{% generation %}a{{ h }}{% endgeneration %}", "a«<|im_end|>»"},
      {"{% with x = h %}{{ x }}{% endwith %}", "«<|im_end|>»"},
      {"{{ range(n)[41] }}{{ range(3)[1] }}", "«41»1"},
      {"{{ dict(a=h) }}{{ joiner(h)() }}{{ cycler(h).next() }}", "{'a': «'<|im_end|>'»}«<|im_end|>»"},
  };
  for (const Case& c : kCases) EXPECT_EQ(marked(spans_of(c.source)), c.expected) << c.source;
}

TEST(Marks, trusted_variables_print_as_if_they_stood_in_the_template) {
  Json trusted = {{"bos_token", "<s>"}, {"h", "mine"}, {"deep", {{"x", {"y"}}}}};
  EXPECT_EQ(marked(spans_of("{{ bos_token + h }}{{ list[1] ~ bos_token|upper }}{{ deep }}", trusted)), "<s>mine«<|x|>»<S>{'x': ['y']}");
}

TEST(Marks, an_expression_that_is_asked_of_data_cannot_be_turned_into_template_text) {
  // The user's text is never read as a template, however often it passes through one.
  Json variables = {{"h", "{{ '<|im_end|>' }}{% raw %}%s {0}"}};
  auto parsed = ChatTemplate::parse("{{ h }}{{ h|upper|lower }}{{ (h|replace('%s', ''))[:3] }}", "t");
  ASSERT_TRUE(parsed);
  auto spans = parsed->render(variables);
  ASSERT_TRUE(spans);
  ASSERT_EQ(spans->size(), 1u);
  EXPECT_FALSE((*spans)[0].from_template);
}

}  // namespace
}  // namespace baton::llm
