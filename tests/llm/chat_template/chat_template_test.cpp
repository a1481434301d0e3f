// The interface, the errors with their places, and the bounds.
#include <baton/llm/chat_template/chat_template.h>
#include <gtest/gtest.h>

namespace baton::llm {
namespace {

std::string parse_error(const std::string& source) {
  auto parsed = ChatTemplate::parse(source, "model.gguf");
  if (parsed) return "no error";
  EXPECT_EQ(parsed.error().code, errc::invalid_template);
  return parsed.error().message;
}

std::string render_error(const std::string& source, const Json& variables = Json::object(), const RenderOptions& options = {}) {
  auto parsed = ChatTemplate::parse(source, "model.gguf");
  if (!parsed) return "does not parse: " + parsed.error().message;
  auto spans = parsed->render(variables, options);
  if (spans) return "no error";
  EXPECT_EQ(spans.error().code, errc::invalid_template);
  return spans.error().message;
}

std::string output(const std::string& source, const Json& variables = Json::object(), const RenderOptions& options = {}) {
  auto parsed = ChatTemplate::parse(source, "model.gguf");
  if (!parsed) return parsed.error().message;
  auto spans = parsed->render(variables, options);
  return spans ? joined(*spans) : spans.error().message;
}

TEST(ChatTemplate, keeps_its_source_and_name_and_knows_which_variables_it_reads) {
  auto parsed = ChatTemplate::parse("{% for m in messages %}{{ m.tools }}{% set x = 1 %}{% endfor %}", "n");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->name(), "n");
  EXPECT_EQ(parsed->source(), "{% for m in messages %}{{ m.tools }}{% set x = 1 %}{% endfor %}");
  EXPECT_TRUE(parsed->reads("messages"));
  EXPECT_TRUE(parsed->reads("m"));
  EXPECT_FALSE(parsed->reads("tools"));
  ChatTemplate copy = *parsed;
  EXPECT_EQ(joined(*copy.render(Json{{"messages", {{{"tools", "t"}}}}})), "t");
}

TEST(ChatTemplate, renders_the_same_template_again_and_again) {
  auto parsed = ChatTemplate::parse(
      "{% set ns = namespace(n=0) %}{% for i in range(3) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}{{ x }}", "t");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(joined(*parsed->render(Json{{"x", 1}})), "31");
  EXPECT_EQ(joined(*parsed->render(Json{{"x", "y"}})), "3y");
}

TEST(ChatTemplate, prints_a_double_brace_inside_a_string_as_it_is) {
  EXPECT_EQ(output(R"({{- "{{\"name\": <f>}}" }})"), R"({{"name": <f>}})");
}

TEST(ChatTemplate, says_where_a_template_does_not_parse) {
  EXPECT_EQ(parse_error("ab\n  {{ 1 + }}"), "model.gguf:2:10: unexpected end of print statement");
  EXPECT_EQ(parse_error("{% if x %}\n\n"),
            "model.gguf:2:1: Unexpected end of template. Expected 'elif' or 'else' or 'endif'. The innermost block that needs to be closed "
            "is 'if'.");
  EXPECT_EQ(parse_error("é日{% nosuch %}"), "model.gguf:1:6: Encountered unknown tag 'nosuch'.");
  EXPECT_EQ(parse_error("{{ 'abc }}"), "model.gguf:1:4: a string is not closed");
  EXPECT_EQ(parse_error("x\n{# no end"), "model.gguf:2:1: Missing end of comment tag");
  EXPECT_EQ(parse_error("{{ (1] }}"), "model.gguf:1:6: unexpected ']', expected ')'");
  EXPECT_EQ(parse_error("{% include 'x' %}"), "model.gguf:1:4: the tag 'include' is not supported in chat templates");
  EXPECT_EQ(parse_error("{% break %}"), "model.gguf:1:4: 'break' outside loop");
}

TEST(ChatTemplate, says_where_a_template_fails) {
  EXPECT_EQ(render_error("a\n{{ x.y }}"), "model.gguf:2:5: 'x' is undefined");
  EXPECT_EQ(render_error("{{ m.a.b }}", {{"m", Json::object()}}), "model.gguf:1:7: 'dict object' has no attribute 'a'");
  EXPECT_EQ(render_error("{{ 'a' + 1 }}"), "model.gguf:1:8: can only concatenate str (not \"int\") to str");
  EXPECT_EQ(render_error("{{ 1|nosuch }}"), "model.gguf:1:6: No filter named 'nosuch'.");
  EXPECT_EQ(render_error("{{ 1|pprint }}"), "model.gguf:1:6: the filter 'pprint' is not supported");
  EXPECT_EQ(render_error("{{ 'a'.encode() }}"), "model.gguf:1:7: the method str.encode is not supported");
  EXPECT_EQ(render_error("{% for x in 5 %}{% endfor %}"), "model.gguf:1:13: 'int' object is not iterable");
  EXPECT_EQ(render_error("{% macro m(a) %}\n{{ a.b }}{% endmacro %}{{ m() }}"), "model.gguf:2:5: parameter 'a' was not provided");
}

TEST(ChatTemplate, passes_on_verbatim_what_a_template_raises) {
  EXPECT_EQ(render_error("{{ raise_exception('Roles must alternate: \"user\"/<a>\\n!') }}"),
            "model.gguf:1:19: Roles must alternate: \"user\"/<a>\n!");
}

TEST(ChatTemplate, takes_its_clock_from_the_options_alone) {
  EXPECT_EQ(render_error("{{ strftime_now('%Y') }}"), "model.gguf:1:16: strftime_now: this template is rendered without a clock");
  RenderOptions options;
  options.now = [] {
    std::tm time{};
    time.tm_year = 99;
    time.tm_mon = 11;
    time.tm_mday = 31;
    return time;
  };
  EXPECT_EQ(output("{{ strftime_now('%d %B %Y') }}", Json::object(), options), "31 December 1999");
}

TEST(ChatTemplate, refuses_variables_that_are_no_object_or_too_deep) {
  auto parsed = ChatTemplate::parse("x", "t");
  ASSERT_TRUE(parsed);
  auto spans = parsed->render(Json::array());
  ASSERT_FALSE(spans);
  EXPECT_EQ(spans.error().code, errc::invalid_argument);
  Json deep = 1;
  for (int i = 0; i < 250; ++i) deep = Json::array({std::move(deep)});
  spans = parsed->render(Json{{"deep", deep}});
  ASSERT_FALSE(spans);
  EXPECT_EQ(spans.error().code, errc::invalid_argument);
  EXPECT_EQ(spans.error().message, "t: a variable is nested deeper than 200");
}

TEST(ChatTemplate, bytes_that_are_not_utf8_pass_through) {
  EXPECT_EQ(output("\xff{{ x }}{{ x|upper }}{{ x[1] }}{{ x|length }}", {{"x", "a\xfe\xc3"}}),
            "\xff"
            "a\xfe\xc3"
            "A\xfe\xc3\xfe"
            "3");
}

// ---- bounds

RenderOptions limited(std::size_t steps, std::size_t bytes) {
  RenderOptions options;
  options.limits.max_steps = steps;
  options.limits.max_output_bytes = bytes;
  return options;
}

TEST(TemplateLimits, a_loop_without_end_in_sight_is_stopped) {
  std::string source =
      "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{{ c }}{% endfor %}{% endfor %}{% endfor %}";
  EXPECT_NE(render_error(source, Json::object(), limited(100'000, 1 << 20)).find("more than 100000 steps"), std::string::npos);
}

TEST(TemplateLimits, output_and_every_string_on_the_way_are_bounded) {
  RenderOptions options = limited(32'000'000, 1 << 16);
  for (const char* source : {
           "{% for i in range(99999) %}0123456789{% endfor %}",
           "{{ 'x' * 999999999999 }}",
           "{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
           "{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
           "{{ '%999999999s' % 1 }}",
           "{{ '{:>999999999}'.format(1) }}",
           "{{ 'a'|center(999999999) }}",
           "{{ 'a'.ljust(999999999) }}",
           "{{ 'a'.zfill(999999999) }}",
           "{{ 'a'|indent(999999999, true) }}",
           "{{ ('a' * 60000)|replace('a', 'bbbb') }}",
           "{{ ('a' * 60000).replace('', 'b') }}",
           "{{ range(50000)|join(', ') }}",
           "{{ range(50000)|list }}",
           "{{ range(50000)|list|tojson }}",
           "{{ [1]|tojson(indent=999999999) }}",
           "{{ ('<' * 60000)|escape }}",
           "{% set ns = namespace(l=['x']) %}{% for i in range(30) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
       }) {
    EXPECT_NE(render_error(source, Json::object(), options).find("limit of 65536 bytes"), std::string::npos) << source;
  }
}

TEST(TemplateLimits, work_that_prints_nothing_is_bounded_too) {
  RenderOptions options = limited(200'000, 1 << 20);
  for (const char* source : {
           "{% set ns = namespace(l=['x']) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l == [1] }}"
           "{% set ms = namespace(l=['x']) %}{% for i in range(60) %}{% set ms.l = [ms.l, ms.l] %}{% endfor %}{{ ns.l == ms.l }}",
           "{% set ns = namespace(l=(1,)) %}{% for i in range(60) %}{% set ns.l = (ns.l, ns.l) %}{% endfor %}{{ ns.l in {} }}",
           "{% set l = [0] * 99999999 %}",
           "{% set a = range(1000)|list %}{% for i in a %}{% for j in a %}{% if i == j %}{% endif %}{% endfor %}{% endfor %}",
           "{% set s = 'a' * 99999 %}{% for i in range(9999) %}{% if s[i] == 'b' %}{% endif %}{% endfor %}",
           "{% set s = 'a' * 99999 %}{% for i in range(9999) %}{% if 'b' in s %}{% endif %}{% endfor %}",
           "{{ 'a b '|batch(99999999999, 'x')|list|length }}",
           "{{ 'ab'|slice(99999999999)|list|length }}",
           "{% set x %}{% for i in range(99999) %}{{ i|string|list|sort|join }}{% endfor %}{% endset %}",
           // Reads of a long text that make a short one.
           "{% set s = (' ' * 999) * 99 %}{% for i in range(9999) %}{% if s|trim %}{% endif %}{% endfor %}",
           "{% set s = (' ' * 999) * 99 %}{% for i in range(9999) %}{% if s.strip() %}{% endif %}{% endfor %}",
           "{% set s = ('a' * 999) * 99 %}{% for i in range(9999) %}{% if s.islower() %}{% endif %}{% endfor %}",
           "{% set s = ('a' * 999) * 99 %}{% for i in range(9999) %}{% if s.startswith(s) %}{% endif %}{% endfor %}",
           "{% set s = ('a' * 999) * 99 %}{% for i in range(9999) %}{% if s is upper %}{% endif %}{% endfor %}",
           "{% set s = ('a' * 999) * 99 %}{% for i in range(9999) %}{% if s.center(1)[0] %}{% endif %}{% endfor %}",
           // A search that compares much at every place.
           "{% set s = ('a' * 999) * 99 %}{% set p = ('a' * 999) * 40 ~ 'b' %}{{ p in s }}",
           "{% set s = ('a' * 999) * 99 %}{% set p = 'b' ~ ('a' * 999) * 40 %}{{ s.rfind(p) }}",
           "{% set s = ('a' * 999) * 99 %}{% set p = ('a' * 999) * 40 ~ 'b' %}{{ s.find(p) }}",
           "{% set s = ('a' * 999) * 99 %}{% set p = ('a' * 999) * 40 ~ 'b' %}{{ s.split(p)|length }}",
           "{% set s = ('a' * 999) * 99 %}{% set p = 'b' ~ ('a' * 999) * 40 %}{{ s.rsplit(p)|length }}",
           "{% set s = ('a' * 999) * 99 %}{% set p = ('a' * 999) * 40 ~ 'b' %}{{ s|replace(p, '')|length }}",
           "{% set s = ('a' * 999) * 99 %}{% set p = ('a' * 999) * 40 ~ 'b' %}{{ s.count(p) }}",
           "{% set s = ('a' * 999) * 99 %}{% set p = ('a' * 999) * 40 ~ 'b' %}{{ s.partition(p)|length }}",
           "{% set s = ('a' * 999) * 99 %}{% set p = ('b' * 999) * 40 ~ 'a' %}{{ s.strip(p)|length }}",
       }) {
    EXPECT_NE(render_error(source, Json::object(), options).find("more than 200000 steps"), std::string::npos) << source;
  }
}

TEST(TemplateLimits, many_variables_cost_as_many_looks_as_they_take) {
  std::string source;
  for (int i = 0; i < 5000; ++i) source += "{% set a" + std::to_string(i) + " = 1 %}";
  EXPECT_NE(render_error(source, Json::object(), limited(200'000, 1 << 20)).find("more than 200000 steps"), std::string::npos);
  source = "{% set ns = namespace() %}";
  for (int i = 0; i < 5000; ++i) source += "{% set ns.a" + std::to_string(i) + " = 1 %}";
  EXPECT_NE(render_error(source, Json::object(), limited(200'000, 1 << 20)).find("more than 200000 steps"), std::string::npos);
}

TEST(TemplateLimits, renderings_share_a_budget) {
  const auto loop = ChatTemplate::parse("{% for i in range(1000) %}{{ i }}{% endfor %}", "t");
  std::size_t steps = 100'000;
  RenderOptions options;
  options.shared_steps = &steps;
  int n = 0;
  while (loop->render(Json::object(), options)) ++n;
  EXPECT_EQ(steps, 0u);
  EXPECT_GE(n, 10);
  EXPECT_LE(n, 100);
  EXPECT_FALSE(loop->render(Json::object(), options));
  EXPECT_TRUE(loop->render(Json::object()));
}

TEST(TemplateLimits, a_template_of_megabytes_is_refused) {
  const auto parsed = ChatTemplate::parse(std::string(5 << 20, ' '), "t");
  ASSERT_FALSE(parsed);
  EXPECT_NE(parsed.error().message.find("5242880 bytes"), std::string::npos);
}

TEST(TemplateLimits, recursion_ends_in_an_error) {
  EXPECT_NE(render_error("{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}").find("maximum recursion depth exceeded"),
            std::string::npos);
  EXPECT_NE(render_error("{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% if caller %}{% endif %}{% endmacro %}{{ f() }}")
                .find("recursion"),
            std::string::npos);
  EXPECT_NE(render_error("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}").find("maximum recursion depth exceeded"),
            std::string::npos);
  EXPECT_NE(render_error("{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}").find("maximum recursion depth exceeded"),
            std::string::npos);
}

TEST(TemplateLimits, values_nest_so_deep_and_no_deeper) {
  for (const char* grow :
       {"[ns.x]", "(ns.x,)", "{1: ns.x}", "dict(a=ns.x)", "cycler(ns.x)", "joiner([ns.x])", "[ns.x]|map('default')", "[ns.x].index"}) {
    std::string source = std::string("{% set ns = namespace(x=[]) %}{% for i in range(100000) %}{% set ns.x = ") + grow + " %}{% endfor %}";
    EXPECT_NE(render_error(source).find("values are nested deeper than 200"), std::string::npos) << grow;
  }
  EXPECT_NE(
      render_error(
          "{% set ns = namespace(x=[]) %}{% for i in range(100000) %}{% for j in [ns.x] %}{% set ns.x = loop %}{% endfor %}{% endfor %}")
          .find("values are nested deeper than 200"),
      std::string::npos);
}

TEST(TemplateLimits, long_chains_of_namespaces_and_closures_are_taken_down_without_recursion) {
  EXPECT_EQ(output("{% set ns = namespace(x=1) %}{% for i in range(50000) %}{% set ns.x = namespace(y=ns.x) %}{% endfor %}ok"), "ok");
  EXPECT_EQ(
      output("{% set ns = namespace(m=1) %}{% for i in range(50000) %}{% set before = ns.m %}{% macro m() %}{{ before }}{% endmacro %}"
             "{% set ns.m = m %}{% endfor %}ok"),
      "ok");
  EXPECT_EQ(output("{% set ns = namespace(l=1) %}{% for i in range(50000) %}{% set x = ns.l %}{% for j in [1] %}{% set ns.l = loop %}{% "
                   "endfor %}{% endfor %}ok"),
            "ok");
  EXPECT_EQ(output("{% set ns = namespace() %}{% set ns.self = ns %}{% for i in [1] %}{% set q = loop.changed(loop) %}{% set ns.l = loop "
                   "%}{% endfor %}"
                   "{{ ns.l.changed(ns.l) }}"),
            "False");
}

TEST(TemplateLimits, a_template_nested_too_deep_does_not_parse) {
  auto repeated = [](const std::string& text, int times) {
    std::string result;
    for (int i = 0; i < times; ++i) result += text;
    return result;
  };
  const int n = 100'000;
  for (const std::string& source : {
           "{{ " + repeated("(", n) + "1" + repeated(")", n) + " }}",
           "{{ " + repeated("[", n) + repeated("]", n) + " }}",
           "{{ " + repeated("not ", n) + "1 }}",
           "{{ " + repeated("- ", n) + "1 }}",
           "{{ 1" + repeated(" + 1", n) + " }}",
           "{{ x" + repeated(".y", n) + " }}",
           "{{ x" + repeated("|upper", n) + " }}",
           "{{ x" + repeated("()", n) + " }}",
           "{{ " + repeated("f(", n) + repeated(")", n) + " }}",
           "{{ " + repeated("1 if 1 else ", n) + "1 }}",
           "{{ 1" + repeated(" if 1", n) + " }}",
           "{{ 1" + repeated("|odd(1)", n) + " }}",
           "{{ " + repeated("{1:", n) + "1" + repeated("}", n) + " }}",
           repeated("{% if 1 %}", n),
           repeated("{% for x in y %}", n),
           repeated("{% macro m() %}", n),
           repeated("{% set x %}", n),
           "{% set " + repeated("(", n) + "x" + repeated(")", n) + " = 1 %}",
       }) {
    EXPECT_NE(parse_error(source).find("nested deeper than 200"), std::string::npos) << source.substr(0, 40);
  }
  EXPECT_EQ(output("{{ 1" + repeated(" + 1", 150) + " }}"), "151");
  EXPECT_EQ(output("{{ 'a'" + repeated(" ~ 'a'", 5000) + " }}").size(), 5001u);
  EXPECT_EQ(output("{{ 0" + repeated(" or 0", 5000) + " }}"), "0");
}

TEST(TemplateLimits, integers_past_127_bits_are_an_error) {
  EXPECT_EQ(output("{{ 2 ** 100 }}"), "1267650600228229401496703205376");
  for (const char* source : {"{{ 2 ** 127 }}", "{{ 2 ** 100 * 2 ** 100 }}", "{{ '9' * 50|int }}{{ ('9' * 50)|int }}", "{{ 1e39|int }}"}) {
    EXPECT_NE(render_error(source).find("127 bits"), std::string::npos) << source;
  }
  EXPECT_NE(parse_error("{{ " + std::string(60, '9') + " }}").find("does not fit 127 bits"), std::string::npos);
}

}  // namespace
}  // namespace baton::llm
