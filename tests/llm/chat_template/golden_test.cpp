// Baton's renderings against those of Python's jinja2 when the goldens were made (scripts/check.sh oracle --regenerate).
#include <baton/llm/chat_template/chat_template.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace baton::llm {
namespace {

const std::string kGoldens = std::string(BATON_SOURCE_DIR) + "/tests/golden/template/";

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The goldens' own clock: Thursday, 29 February 2024, 07:05:09.
RenderOptions golden_options() {
  RenderOptions options;
  options.now = [] {
    std::tm time{};
    time.tm_year = 124;
    time.tm_mon = 1;
    time.tm_mday = 29;
    time.tm_hour = 7;
    time.tm_min = 5;
    time.tm_sec = 9;
    time.tm_wday = 4;
    time.tm_yday = 59;
    return time;
  };
  return options;
}

std::string template_source(const std::string& name) {
  for (const char* folder : {"models/", "templates/"}) {
    std::string path = kGoldens + folder + name + ".jinja";
    if (std::ifstream(path)) return read_file(path);
  }
  ADD_FAILURE() << "no template " << name;
  return {};
}

struct Rendered {
  std::string output;
  std::string error;
};

Rendered render(const std::string& source, const Json& variables) {
  auto parsed = ChatTemplate::parse(source, "t");
  if (!parsed) return {"", parsed.error().message};
  auto spans = parsed->render(variables, golden_options());
  if (!spans) return {"", spans.error().message};
  return {joined(*spans), ""};
}

// Messages of a template or of jinja2's own Undefined are the same; Python's other exceptions only have to be errors here, too.
void expect_same(const Json& golden, const Rendered& got, const std::string& what) {
  if (golden.contains("output")) {
    EXPECT_EQ(got.error, "") << what;
    EXPECT_EQ(got.output, golden["output"].get<std::string>()) << what;
    return;
  }
  std::string kind = golden["kind"];
  std::string message = golden["error"];
  EXPECT_NE(got.error, "") << what << "\nshould fail with " << kind << ": " << message << "\nbut gave: " << got.output;
  bool same_words = kind == "undefined" || (kind == "raised" && message.rfind("Stop", 0) == 0);
  if (same_words) {
    EXPECT_NE(got.error.find(message), std::string::npos) << what << "\nsays: " << got.error << "\njinja2: " << message;
  }
  if (golden.contains("line")) {
    EXPECT_EQ(got.error.rfind("t:" + golden["line"].dump() + ":", 0), 0u) << what << "\nsays: " << got.error;
  }
}

TEST(TemplateGoldens, every_template_renders_every_conversation_as_jinja2_does) {
  Json golden = Json::parse(read_file(kGoldens + "cases.json"));
  ASSERT_GE(golden["cases"].size(), 400u);
  for (const Json& entry : golden["cases"]) {
    std::string name = entry["template"];
    std::string conversation = entry["conversation"];
    Rendered got = render(template_source(name), golden["conversations"][conversation]);
    expect_same(entry, got, name + " / " + conversation);
    if (entry.value("kind", "") == "raised") {
      EXPECT_NE(got.error.find(entry["error"].get<std::string>()), std::string::npos) << got.error;
    }
  }
}

TEST(TemplateGoldens, every_snippet_prints_or_fails_as_in_jinja2) {
  Json golden = Json::parse(read_file(kGoldens + "snippets.json"));
  ASSERT_GE(golden["snippets"].size(), 300u);
  for (const Json& entry : golden["snippets"]) {
    std::string source = entry["source"];
    expect_same(entry, render(source, golden["variables"]), source);
  }
}

}  // namespace
}  // namespace baton::llm
