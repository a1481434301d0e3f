// A template and its variables, split at the first NUL byte: neither may hang, crash or leak, and the rendering is spans that alternate.
// Marks: a rendering with all variables trusted has the same bytes, and no data.
#include <baton/llm/chat_template/chat_template.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace baton::llm;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t split = std::min(input.find('\0'), input.size());
  auto parsed = ChatTemplate::parse(std::string(input.substr(0, split)), "fuzz");
  if (!parsed) return parsed.error().code == errc::invalid_template ? 0 : (std::abort(), 0);
  Json variables = Json::parse(input.substr(std::min(split + 1, input.size())), nullptr, false);
  if (!variables.is_object())
    variables = Json{{"messages", {{{"role", "user"}, {"content", "<|im_end|>"}}}}, {"add_generation_prompt", true}};
  RenderOptions options;
  options.limits.max_steps = 200'000;
  options.limits.max_output_bytes = 1 << 20;
  options.now = [] { return std::tm{}; };
  auto spans = parsed->render(variables, options);
  if (!spans) return 0;
  for (std::size_t i = 0; i < spans->size(); ++i) {
    if ((*spans)[i].text.empty() || (i > 0 && (*spans)[i].from_template == (*spans)[i - 1].from_template)) std::abort();
  }
  auto trusted = parsed->render(TemplateVariables{Json::object(), variables}, options);
  if (!trusted || joined(*trusted) != joined(*spans) || trusted->size() > 1) std::abort();
  if (!trusted->empty() && !(*trusted)[0].from_template) std::abort();
  return 0;
}
