#pragma once
// The output of a run: its items, each with its place in the output, and the events that report them. Every item that was added is also
// done, at the same place, even if it was cut off: clients refuse a response with an item that never ended.
#include <functional>
#include <string>
#include <utility>

#include "actions.h"
#include "items.h"

namespace baton::agent {

// A call of the current turn.
struct Call {
  enum class Phase {
    writing,   // the model is writing it
    written,   // complete; not yet handled
    running,   // its tool has been started
    waiting,   // for the client's output, or the user's approval, in the next response
    answered,  // has its result
  };
  int index = 0;          // within the answer, as the generator counts
  int output_index = -1;  // of its item; -1: not shown, because it is not known yet whether the user must be asked
  Phase phase = Phase::writing;
  CallItem item;
  llm::ToolCall call;
  std::string malformed;  // the error in the arguments; empty: none
  bool is_error = false;  // of the result
  bool counts = false;    // its result answers a later identical call
};

// A piece of the answer that is being written.
struct Block {
  enum class Kind { none, text, reasoning };
  Kind kind = Kind::none;
  std::string id;
  std::string text;
  Json logprobs = Json::array();
  int output_index = 0;
};

class Output {
 public:
  explicit Output(std::function<std::string(const std::string&)> new_id) : new_id_(std::move(new_id)) {}

  void act(Action action) { actions_.push_back(std::move(action)); }
  void event(const std::string& type, Json data);
  Actions take() { return std::exchange(actions_, {}); }

  // An item of the client. It is not part of the output. Its id is assigned here.
  void input_item(Json item);
  void hint(const std::string& text);  // a message of the runtime to the model, kept as an input item

  // Streamed parts. A part of another kind, or a call, closes the part before.
  void write(Block::Kind kind, const std::string& piece, int turn, const std::vector<llm::TokenLogprob>& logprobs = {});
  bool writing() const { return block_.kind != Block::Kind::none; }
  void close(const std::string& status, int turn, llm::RawTokens raw = {});
  // Items that were closed become part of the conversation: a turn that ends completely or is given up for good. Until then a killed
  // process leaves none of them there, and the turn can be written again.
  void keep_turn();

  Call open_call(int index, const std::string& call_id, const std::string& name, int turn);
  void show_call(Call& call);  // as call.item.kind says
  void call_arguments(const Call& call, const std::string& fragment);
  void call_written(const Call& call);
  void call_started(const Call& call);
  void call_progress(const Call& call, double fraction, const std::string& message);
  void call_handed_over(Call& call);     // to the client or the user
  void call_answered(const Call& call);  // item.status and item.result are set
  void call_cut_off(Call& call);         // the call was never complete; not kept
  // Adds calls to the conversation in their order, whichever ended first.
  void keep_call(const Call& call, llm::RawTokens raw);

  // Finished items in their order.
  Json items() const;

  // Removes the item at this place from the output again.
  void abandon(int output_index, const std::string& id);

  // Takes over the output of a killed process; nothing is emitted. Each item in its place, null: not done.
  void restore(std::vector<Json> items) { items_ = std::move(items); }
  void done(int output_index, const Json& item);

 private:
  std::function<std::string(const std::string&)> new_id_;
  Actions actions_;
  Block block_;
  Actions closed_;           // items that keep_turn() keeps
  std::vector<Json> items_;  // by output index; null until done
};

}  // namespace baton::agent
