// Compares two forms of an assistant's earlier messages by answers and cost: the tokens as the model wrote them, and the template's
// rendering of the parsed message. Conversations of several turns, each turn one call of a look-up tool and an answer from its result; both
// forms get the same questions. Prints one JSON line a form.
//
//   history_form MODEL.gguf CONVERSATIONS AFTER_TOOLS [--show]
//
// AFTER_TOOLS: a message after tool results, for that prompt only; {question} is replaced by the question; may be empty.
#include <baton/llm/chat/chat.h>
#include <baton/llm/model/cpu_backend.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <iostream>
#include <mutex>

namespace {

using namespace baton::llm;

struct Tool {
  const char* name;
  const char* description;
  const char* parameter;
  const char* parameter_description;
};
constexpr Tool kTools[] = {
    {"get_weather", "Current weather of a city", "city", "name of the city"},
    {"get_population", "How many people live in a city", "city", "name of the city"},
    {"get_price", "Price of a product in the shop, in euros", "product", "name of the product"},
    {"get_phone_number", "Phone number of an employee", "name", "first name of the employee"},
};

struct Turn {
  std::string question;
  const Tool* tool;
  std::string key;
};

constexpr const char* kCities[] = {"Paris", "Oslo",   "Lisbon", "Tokyo",  "Cairo",  "Lima",
                                   "Rome",  "Berlin", "Madrid", "Vienna", "Prague", "Dublin"};
constexpr const char* kProducts[] = {"lamp",  "chair", "kettle",  "desk", "mirror", "carpet",
                                     "clock", "shelf", "blanket", "vase", "teapot", "stool"};
constexpr const char* kNames[] = {"Alice", "Bob", "Carol", "David", "Emma", "Frank", "Grace", "Henry", "Irene", "Jack", "Karen", "Leo"};

// A number that cannot be guessed.
int value_of(const Tool& tool, const std::string& key) {
  unsigned hash = 2166136261u;
  for (const char c : std::string(tool.name) + key) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  const int n = static_cast<int>(hash % 900);
  if (&tool == &kTools[0]) return n % 35 + 3;
  return &tool == &kTools[1] ? 100000 + n * 997 : &tool == &kTools[2] ? 11 + n : 5550000 + n;
}

std::vector<Turn> conversation(int n) {
  const auto at = [n](const auto& words, int step) { return std::string(words[(n * 5 + step) % std::size(words)]); };
  const std::string first = at(kCities, 0), second = at(kCities, 1), product = at(kProducts, 0), name = at(kNames, 0);
  return {{"What is the temperature in " + first + "?", &kTools[0], first},
          {"And in " + second + "?", &kTools[0], second},
          {"How many people live in " + second + "?", &kTools[1], second},
          {"How much is a " + product + "?", &kTools[2], product},
          {"What is the phone number of " + name + "?", &kTools[3], name}};
}

struct Answered {
  std::string text;
  std::vector<ToolCall> calls;
  Finished end;
};

Answered ask(Chat& chat, const ChatRequest& request) {
  std::mutex mutex;
  std::condition_variable changed;
  Answered answered;
  bool finished = false;
  const auto stream = chat.start(request, [&](Delta delta) {
    std::scoped_lock lock(mutex);
    if (auto* text = std::get_if<TextDelta>(&delta)) answered.text += text->text;
    if (auto* call = std::get_if<CallFinished>(&delta)) answered.calls.push_back(call->call);
    if (auto* end = std::get_if<Finished>(&delta)) {
      answered.end = *end;
      finished = true;
      changed.notify_all();
    }
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return finished; });
  return answered;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// The tool's answer.
std::string result_of(const ToolCall& call) {
  for (const Tool& tool : kTools) {
    if (call.name != tool.name) continue;
    const auto key = call.arguments.find(tool.parameter);
    if (key == call.arguments.end() || !key->is_string()) return std::string("error: the argument ") + tool.parameter + " is missing";
    for (int n = 0; n < 12; ++n) {
      for (const Turn& turn : conversation(n)) {
        const std::string words = lower(key->get<std::string>());
        if (turn.tool != &tool || words.find(lower(turn.key)) == std::string::npos) continue;
        return Json{{tool.name + 4, value_of(tool, turn.key)}}.dump();
      }
    }
    return "error: nothing is known about " + key->get<std::string>();
  }
  return "error: there is no tool " + call.name;
}

std::string digits(const std::string& text) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out), [](char c) { return c != ',' && c != '-' && c != ' '; });
  return out;
}

struct Score {
  int turns = 0, right_calls = 0, right_answers = 0;
  long prompt = 0, cached = 0, output = 0;
  double prefill_seconds = 0;
};

// One turn: calls until the model answers, at most three times.
void play(Chat& chat, ChatRequest& request, const Turn& turn, const std::string& after_tools, bool show, Score& score) {
  Message user;
  user.content = turn.question;
  request.messages.push_back(user);
  bool right_call = false;
  std::string text;
  for (int step = 0; step < 4; ++step) {
    ChatRequest asked = request;
    if (step > 0 && !after_tools.empty()) {
      asked.messages.push_back(user);
      asked.messages.back().content = after_tools;
      const auto at = after_tools.find("{question}");
      if (at != std::string::npos) asked.messages.back().content.replace(at, 10, turn.question);
    }
    const Answered answered = ask(chat, asked);
    if (answered.end.error) std::cerr << answered.end.error->message << "\n";
    score.prompt += answered.end.usage.prompt_tokens;
    score.cached += answered.end.usage.cached_tokens;
    score.output += answered.end.usage.output_tokens;
    score.prefill_seconds += answered.end.usage.prefill_seconds;
    if (show) std::cerr << turn.question << " -> " << chat.tokenizer().decode(answered.end.raw.ids, true) << "\n";
    Message assistant;
    assistant.role = Role::assistant;
    assistant.content = text = answered.text;
    assistant.tool_calls = answered.calls;
    assistant.raw = answered.end.raw;
    request.messages.push_back(assistant);
    if (answered.calls.empty()) break;
    for (const ToolCall& call : answered.calls) {
      Message result;
      result.role = Role::tool;
      result.name = call.name;
      result.tool_call_id = call.id;
      result.content = result_of(call);
      right_call |=
          call.name == turn.tool->name && result.content.find(std::to_string(value_of(*turn.tool, turn.key))) != std::string::npos;
      request.messages.push_back(result);
    }
  }
  ++score.turns;
  score.right_calls += right_call;
  score.right_answers += right_call && digits(text).find(std::to_string(value_of(*turn.tool, turn.key))) != std::string::npos;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "history_form MODEL.gguf CONVERSATIONS AFTER_TOOLS [--show]\n";
    return 2;
  }
  auto file = GgufFile::open(argv[1]);
  if (!file) {
    std::cerr << file.error().message << "\n";
    return 1;
  }
  ModelOptions options;
  options.n_ctx = 4096;
  auto model = Model::load(std::make_shared<const GgufFile>(std::move(*file)), make_cpu_backend({"", 0}).value(), options);
  if (!model) {
    std::cerr << model.error().message << "\n";
    return 1;
  }
  auto chat = Chat::create(std::make_unique<Engine>(std::move(*model), EngineOptions{}), {"this", std::nullopt});
  if (!chat) {
    std::cerr << chat.error().message << "\n";
    return 1;
  }
  const int n = std::atoi(argv[2]);
  for (const HistoryForm form : {HistoryForm::as_written, HistoryForm::canonical}) {
    Score score;
    for (int i = 0; i < n; ++i) {
      ChatRequest request;
      request.turn.history = form;
      request.turn.max_output_tokens = 160;
      Message system;
      system.role = Role::system;
      system.content = "You are a helpful assistant. Use the tools to answer; answer from their results, in one short sentence.";
      request.messages = {system};
      for (const Tool& tool : kTools) {
        Json property = {{"type", "string"}, {"description", tool.parameter_description}};
        Json schema = {{"type", "object"}, {"properties", {{tool.parameter, property}}}, {"required", {tool.parameter}}};
        request.tools.push_back({tool.name, tool.description, schema});
      }
      for (const Turn& turn : conversation(i)) play(**chat, request, turn, argv[3], argc > 4, score);
    }
    const Json row = {{"history", form == HistoryForm::as_written ? "as_written" : "canonical"},
                      {"turns", score.turns},
                      {"right_calls", score.right_calls},
                      {"right_answers", score.right_answers},
                      {"prompt_tokens", score.prompt},
                      {"prefilled_tokens", score.prompt - score.cached},
                      {"output_tokens", score.output},
                      {"prefill_seconds", score.prefill_seconds}};
    std::printf("%s\n", row.dump().c_str());
    std::fflush(stdout);
  }
  return 0;
}
