// /v1/chat/completions and /v1/completions: the same runs, in the form that their clients expect.
#include <baton/agent/protocol/chat_request.h>
#include <baton/agent/protocol/text_request.h>

#include "api.h"
#include "completion.h"

namespace baton::agent::api {

void Api::complete(const HttpCall& call, protocol::CompletionRequest request, Done done) {
  request.run.client = call.client;
  request.run.share = call.share;
  start_completion(hub_, std::move(request), call.left, std::move(done));
}

void Api::chat_completions(const HttpCall& call, const Path&, Done done) {
  const Parsed<Json> body = protocol::parse_json(call.body);
  if (!body) return done(HttpReply::of(body.error()));
  Parsed<protocol::ChatRequestBody> parsed = protocol::parse_chat(*body, offer());
  if (!parsed) return done(HttpReply::of(parsed.error()));
  log_ignored(call.client, parsed->notes);
  protocol::CompletionRequest request;
  request.model = parsed->run.model.empty() ? agent_.generator().model_name() : parsed->run.model;
  request.stream = parsed->stream;
  request.include_usage = parsed->include_usage;
  request.n = static_cast<std::size_t>(parsed->n);
  request.run = std::move(parsed->run);
  complete(call, std::move(request), std::move(done));
}

void Api::text_completions(const HttpCall& call, const Path&, Done done) {
  const Parsed<Json> body = protocol::parse_json(call.body);
  if (!body) return done(HttpReply::of(body.error()));
  protocol::Notes notes;
  Parsed<protocol::CompletionRequest> request = protocol::parse_text(*body, offer(), agent_.generator().facts(), notes);
  if (!request) return done(HttpReply::of(request.error()));
  log_ignored(call.client, notes);
  complete(call, std::move(*request), std::move(done));
}

}  // namespace baton::agent::api
