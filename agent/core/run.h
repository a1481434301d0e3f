#pragma once
// One run of the agent as a pure state machine: what happened goes in, what shall be done comes out. It has no sockets, clocks, threads or
// model; tests step it by hand.
//
// Rules: calls of one turn run side by side, their results go back in the order of the calls; a call that repeats an earlier one of this
// run is answered from it and not run again, and a turn of nothing but such calls is followed by a turn without tools; a call of a tool that
// is not there is answered with the names of those that are; budgets end the run with a last answer; whatever happens, every call of
// the history has a result, and exactly one terminal event ends the run.
#include <cstdint>
#include <map>
#include <utility>
#include <string>
#include <vector>

#include "actions.h"
#include "run_config.h"

namespace baton::agent {

enum class Delivery {
  queue,      // the message waits for the end of the turn
  interrupt,  // the turn is cut off now; what was written of it stays
};

class Run {
 public:
  explicit Run(RunConfig config);

  // Each takes the time in milliseconds since 1970 and gives the actions that follow, in their order. After finished() all give none.
  Actions start(const std::string& user_text, std::int64_t now);
  Actions on_delta(llm::Delta delta, std::int64_t now);  // of the generation that StartGeneration asked for
  Actions on_tool_finished(const std::string& call_id, const std::string& content, bool is_error, std::int64_t now);
  Actions on_user_message(const std::string& text, Delivery delivery, std::int64_t now);
  Actions on_tick(std::int64_t now);  // now and then, for the wall-clock budget
  Actions cancel(std::int64_t now);
  Actions fail(const std::string& reason, std::int64_t now);  // something outside broke, e.g. the journal

  bool finished() const { return state_ == State::finished; }
  const RunConfig& config() const { return config_; }

 private:
  enum class State { ready, generating, calling, finished };
  struct Call {
    std::string item_id;
    llm::ToolCall call;
    double confidence = 1;
    bool done = false;
    bool is_error = false;
    std::string result;
  };

  void emit(const std::string& type, Json data);
  void begin_turn(std::int64_t now);
  llm::ChatRequest make_request();
  void take_user_message(const std::string& text);
  void write_text(const std::string& text);
  void write_reasoning(const std::string& text);
  void close_reasoning();
  void close_text(const std::string& status);
  void open_call(const llm::CallStarted& started);
  void end_generation(const llm::Finished& end, std::int64_t now);
  void keep_turn_message();
  void start_calls(std::int64_t now);
  bool answer_without_running(Call& call);
  void finish_call(Call& call, const std::string& content, bool is_error);
  void calls_done(std::int64_t now);
  void abandon_calls(const std::string& why);
  void keep(const std::string& id, Json content, std::string text);
  void finish(const std::string& status, const std::string& reason, std::int64_t now);
  Json response_json(const std::string& status) const;
  Actions take() { return std::exchange(actions_, {}); }

  RunConfig config_;
  State state_ = State::ready;
  Actions actions_;
  std::vector<llm::Message> messages_;
  std::string question_;  // the user's last message
  std::vector<std::string> queued_;
  Json output_ = Json::array();  // finished items
  std::int64_t started_ = 0;

  // The current turn.
  int turn_ = 0;
  bool last_turn_ = false;     // no calls any more
  std::string end_reason_;     // why it is the last one; empty when the model only repeats itself
  bool interrupted_ = false;   // the user cut it off
  std::string text_, text_id_, reasoning_, reasoning_id_;
  std::vector<Call> calls_;
  llm::RawTokens raw_;
  bool raw_kept_ = false;
  int output_index_ = 0;

  std::map<std::string, std::pair<std::string, bool>> earlier_calls_;  // name + arguments -> result, is_error
  int n_calls_ = 0;
  llm::Usage usage_;
};

}  // namespace baton::agent
