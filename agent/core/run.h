#pragma once
// One run of the agent as a pure state machine: inputs are the things that happened, outputs are actions. It has no sockets, clocks,
// threads or model; tests step it by hand.
//
// Rules
//   calls      of one turn run side by side (or one after the other, RunConfig::parallel_tool_calls); their results go into the history in
//              the order of the calls.
//   repeats    a call that is the same as an earlier one of this run, with no new call answered in between, is not run again but
//              answered with the earlier result and a note that says so. After a turn of only such calls the model is asked for an answer
//              without tools; if it still calls, the run ends `incomplete`, reason repeated_calls. Every call of a client's function ends a
//              run, so its earlier calls are those since the user's last message; a call whose last two results differ is not a repeat,
//              since the client may be waiting for something to change.
//   mistakes   a call of an unknown tool is answered with the names of the known ones; a malformed call is answered with its error, twice,
//              before the run ends `incomplete`, reason malformed_call.
//   budgets    end the run with a last answer (run_config.h).
//   messages   of the user during a run wait for the end of the turn or cut it off; they are never lost. Steering ends the run at its next
//              boundary instead; the messages are its successor's input.
//   retries    a call of the history that failed is run again when an input item baton.retry_tool says so, before the model reads on.
//   the client's functions and calls that the user has to approve end the run, completed; its next response brings what they wait for.
//   a killed process: resume() continues from the journal. A turn that was not complete is written again; a tool's result is reused, an
//              intent without one is run again only if that does no harm, and is "outcome unknown" otherwise.
// In every case each call of the history has a result, and exactly one terminal event ends the run.
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actions.h"
#include "moment.h"
#include "output.h"
#include "run_config.h"
#include "shown_items.h"

namespace baton::agent {

// The progress of a tool invocation when the process was killed.
struct PastCall {
  bool finished = false;
  bool is_error = false;
  std::string result;
  bool may_run_again = false;  // the tool is idempotent
};

// The journal's records of a run whose process was killed.
struct Interrupted {
  std::vector<Json> input;  // the input of its start
  std::vector<EmitEvent> events;
  std::vector<StoredItem> kept;           // its own items
  std::map<std::string, PastCall> calls;  // by call id
};

class Run {
 public:
  explicit Run(RunConfig config);

  // Each takes the time and returns the actions that follow, in their order. After finished() all return none. `input`: items of the
  // protocol from the client, checked; config.history is the conversation before them.
  Actions start(std::vector<Json> input, const Moment& now);
  Actions start(const std::string& user_text, const Moment& now);
  Actions resume(const Interrupted& left, const Moment& now);  // instead of start
  Actions on_delta(llm::Delta delta, const Moment& now);       // of the generation that the last StartGeneration asked for
  // Progress that a tool reports while it runs; `fraction` 0 to 1.
  Actions on_tool_progress(const std::string& call_id, double fraction, const std::string& message);
  Actions on_tool_finished(const std::string& call_id, const std::string& content, bool is_error, const Moment& now);
  Actions steer(const std::string& steer_id, const std::vector<Json>& input, const Moment& now);
  Actions on_tick(const Moment& now);  // called periodically, for the wall-clock budget
  Actions cancel(const Moment& now);
  Actions fail(const std::string& reason, const Moment& now);  // an outside failure, e.g. of the journal

  bool finished() const { return state_ == State::finished; }
  // The part of the time budget that was spent, in this process and those before it.
  std::int64_t spent_ms(const Moment& now) const { return config_.spent_ms + now.steady_ms - started_.steady_ms; }
  const RunConfig& config() const { return config_; }

 private:
  enum class State { ready, generating, calling, finished };
  struct Answer {
    std::string content;
    bool is_error = false;
  };
  struct Earlier {
    Answer answer;
    int n_new = 0;         // n_new_calls_ when it was answered
    bool changes = false;  // of a client's function: the previous result was different
  };

  // The current turn so far.
  struct Turn {
    std::string text, reasoning;
    std::vector<Call> calls;
    llm::RawTokens raw;
    bool interrupted = false;     // the user cut it off
    bool only_repeats = false;    // its calls are repeats only
    bool wants_any_call = false;  // must_call() when it began: the client then also gets a call whose result it has
  };

  void begin(const std::vector<Json>& input, const Moment& now);
  void open_approved_calls(const std::vector<Json>& input);
  void open_retried_calls(const std::vector<Json>& input);

  // Continues after a killed process (run_resume.cpp).
  void restore(const Interrupted& left);
  void restore_calls(const std::vector<ShownItem>& calls, const Interrupted& left);
  void abandon(const ShownItem& shown);

  // The calls of earlier turns and their results (run_recall.cpp).
  void recall(std::vector<StoredItem> items);
  void name_as_model_does(Json& item) const;
  void remember_calls(std::vector<std::pair<llm::ToolCall, Answer>> calls, bool of_client);
  bool is_repeat_of(const Earlier& earlier) const;
  std::optional<Answer> earlier_answer(const llm::ToolCall& call) const;
  bool may_be_repeated(const std::string& name) const;  // a call of this tool may be a repeat that already has its answer
  static std::string call_key(const llm::ToolCall& call);

  // A turn of the model.
  void begin_turn(const Moment& now);
  llm::ChatRequest make_request();
  bool must_call() const;  // the client requires a call, and none was accepted yet
  std::vector<std::size_t> turns_of(const llm::ChatRequest& request) const;
  void take(const llm::MessagesLeftOut& truncated);
  void take(const llm::CallStarted& started);
  void name_as_client_does(Call& call) const;
  void take(const llm::CallArguments& arguments);
  void take(const llm::CallFinished& finished);
  void end_generation(const llm::Finished& end, const Moment& now);
  void end_warm_up(const llm::Finished& end, const Moment& now);
  void show_unwritten_calls();
  bool drop_unwritten_calls();
  void keep_turn_message();
  void ask_for_the_call_again(const std::string& malformed, const Moment& now);

  // Its calls (run_calls.cpp).
  void start_calls(const Moment& now);
  void hand_over(Call& call);
  bool asks_before(const Call& call) const;
  std::optional<std::string> why_refused(const Call& call) const;
  std::optional<Answer> answer_without_running(Call& call);
  void start_tool(Call& call);
  void answer(Call& call, Answer answer);
  void abandon_calls(const std::string& why);
  void keep_calls();
  Json required_input() const;
  void end_calls(const Moment& now);
  Call* find_call(int index);

  Actions cut_off(const std::string& status, const std::string& reason, const Moment& now);
  void finish(const std::string& status, const std::string& reason, const Moment& now);
  Json response_json(const std::string& status, const Moment& now) const;
  Json usage_json() const;

  RunConfig config_;
  Output output_;
  State state_ = State::ready;
  std::vector<llm::Message> messages_;
  std::set<std::string> call_ids_;       // of the whole conversation
  std::string question_;                 // the user's last message
  std::size_t begins_at_ = 0;            // the last question of the input, in messages_: the subject of this run
  int n_left_out_ = 0;                   // messages that did not fit the last prompt
  bool called_ = false;                  // a call of this run was accepted
  bool steered_ = false;                 // ends at its next boundary
  Json required_input_ = Json::array();  // the input that the next response needs
  Moment started_;                       // in this process

  int turn_ = 0;
  Turn current_;
  bool last_turn_ = false;                   // no further calls
  std::string end_reason_;                   // the budget that ended; empty: none
  std::string error_code_ = "server_error";  // the protocol's, of a failed run
  bool results_to_use_ = false;              // the prompt ends with results without an error

  std::map<std::string, Earlier> earlier_calls_;  // by name and arguments
  int n_new_calls_ = 0;                           // different calls that were answered
  std::set<std::string> refused_calls_;           // of the client's functions, by name and arguments
  int refused_turns_ = 0;                         // while a call is required
  int repeating_turns_ = 0;                       // in a row
  int malformed_turns_ = 0;                       // in a row
  int n_calls_ = 0;                               // that were run
  llm::Usage usage_;
};

}  // namespace baton::agent
