#include "api.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <charconv>

#include <embedded_console.h>
#include <embedded_served.h>

#include "run_metrics.h"

namespace baton::agent::api {
namespace {

// Matches "/v1/responses/{}/cancel" against a path; returns its variable parts, or nothing.
std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t hole = pattern.find("{}");
    const std::string_view fixed = pattern.substr(0, hole);
    if (path.substr(0, fixed.size()) != fixed) return std::nullopt;
    path.remove_prefix(fixed.size());
    if (hole == std::string_view::npos) return path.empty() ? std::optional(parts) : std::nullopt;
    pattern.remove_prefix(hole + 2);
    const std::size_t end = std::min(path.find('/'), path.size());
    if (end == 0) return std::nullopt;
    parts.emplace_back(path.substr(0, end));
    path.remove_prefix(end);
  }
}

struct StaticFile {
  const char* path;
  const char* type;
  std::string_view (*text)();
};
const std::array<StaticFile, 5> kFiles{{
    {"/", "text/html; charset=utf-8", console::index_html},
    {"/console/console.css", "text/css; charset=utf-8", console::console_css},
    {"/console/conversation.js", "text/javascript; charset=utf-8", console::conversation_js},
    {"/console/console.js", "text/javascript; charset=utf-8", console::console_js},
    {"/openapi.json", "application/json", served::openapi_json},
}};

}  // namespace

struct Api::Route {
  const char* method;
  const char* pattern;
  void (Api::*run)(const HttpCall&, const Path&, Done);
  About about;
};

const std::vector<Api::Route>& Api::routes() {
  constexpr About kResponses{Where::work, RouteClass::responses}, kConversations{Where::work, RouteClass::conversations},
      kChat{Where::work, RouteClass::chat}, kOther{Where::work, RouteClass::other}, kQuick{Where::quick, RouteClass::other},
      kAtOnce{Where::io, RouteClass::other};
  static const std::vector<Route> kRoutes = {
      {"POST", "/v1/responses", &Api::create_response, kResponses},
      {"GET", "/v1/responses/{}", &Api::get_response, kResponses},
      {"DELETE", "/v1/responses/{}", &Api::delete_response, kResponses},
      {"POST", "/v1/responses/{}/cancel", &Api::cancel_response, kResponses},
      {"GET", "/v1/responses/{}/input_items", &Api::list_input_items, kResponses},
      {"POST", "/v1/baton/responses/{}/rating", &Api::rate_response, kResponses},
      {"POST", "/v1/conversations", &Api::create_conversation, kConversations},
      {"GET", "/v1/conversations/{}", &Api::get_conversation, kConversations},
      {"POST", "/v1/conversations/{}", &Api::update_conversation, kConversations},
      {"DELETE", "/v1/conversations/{}", &Api::delete_conversation, kConversations},
      {"POST", "/v1/conversations/{}/items", &Api::add_items, kConversations},
      {"GET", "/v1/conversations/{}/items", &Api::list_items, kConversations},
      {"GET", "/v1/conversations/{}/items/{}", &Api::get_item, kConversations},
      {"DELETE", "/v1/conversations/{}/items/{}", &Api::delete_item, kConversations},
      {"GET", "/v1/baton/conversations", &Api::list_conversations, kConversations},
      {"GET", "/v1/baton/tools", &Api::list_tools, kOther},
      {"POST", "/v1/chat/completions", &Api::chat_completions, kChat},
      {"POST", "/v1/completions", &Api::text_completions, kChat},
      {"POST", "/v1/responses/input_tokens", &Api::count_input_tokens, kResponses},
      {"POST", "/v1/responses/compact", &Api::compact, kResponses},
      {"POST", "/v1/embeddings", &Api::embeddings, kOther},
      {"POST", "/tokenize", &Api::tokenize, kOther},
      {"POST", "/detokenize", &Api::detokenize, kOther},
      {"GET", "/v1/models", &Api::list_models, kQuick},
      {"GET", "/v1/models/{}", &Api::get_model, kQuick},
      {"GET", "/healthz", &Api::health, kAtOnce},
      {"GET", "/readyz", &Api::ready, kQuick},
      {"GET", "/metrics", &Api::metrics, kQuick},
      {"GET", "/", &Api::file, kAtOnce},
      {"GET", "/console/{}", &Api::file, kAtOnce},
      {"GET", "/openapi.json", &Api::file, kAtOnce},
  };
  return kRoutes;
}

Api::Api(RunHub& hub, Agent& agent, memory::Journal& journal, ApiOptions options)
    : hub_(hub), agent_(agent), journal_(journal), options_(std::move(options)) {}

void Api::handle(const HttpCall& call, Done answer) {
  // Once, whatever a route does: a second answer would be read as that to the next request of the connection.
  auto answered = std::make_shared<std::atomic<bool>>(false);
  const Done done = [answered, answer = std::move(answer), path = call.path](HttpReply reply) {
    if (answered->exchange(true)) return spdlog::error("a request for {} was answered twice, the second time with {}", path, reply.status);
    answer(std::move(reply));
  };
  try {
    route(call, done);
  } catch (const std::exception& e) {  // a bug of ours: it must not end the daemon
    done(HttpReply::of(ApiError::internal(e.what())));
  }
}

void Api::route(const HttpCall& call, const Done& done) {
  const std::string method = call.method == "HEAD" ? "GET" : call.method;
  for (const Route& route : routes()) {
    if (method != route.method) continue;
    if (const auto parts = match(route.pattern, call.path)) return (this->*route.run)(call, *parts, done);
  }
  const std::string allowed = methods(call.path);
  if (allowed.empty()) return done(HttpReply::of(ApiError::not_found("there is nothing at " + call.method + " " + call.path)));
  HttpReply reply = HttpReply::of(ApiError{405, "invalid_request_error", "method_not_allowed", call.path + " takes " + allowed, ""});
  reply.headers.emplace_back("Allow", allowed);
  done(std::move(reply));
}

Api::About Api::about(const HttpCall& call) const {
  const std::string method = call.method == "HEAD" ? "GET" : call.method;
  for (const Route& route : routes()) {
    if (method == route.method && match(route.pattern, call.path)) return route.about;
  }
  return {};
}

std::string Api::methods(const std::string& path) const {
  std::string all;
  for (const Route& route : routes()) {
    if (!match(route.pattern, path)) continue;
    all += (all.empty() ? "" : ", ") + std::string(route.method) + (std::string(route.method) == "GET" ? ", HEAD" : "");
  }
  return all;
}

protocol::Offer Api::offer() const {
  protocol::Offer offer;
  offer.model = agent_.generator().model_name();
  for (const tools::ToolSpec* spec : agent_.tools().specs()) {
    if (agent_.permission(*spec) != Permission::deny) offer.tools.push_back(spec);
  }
  offer.profiles = &options_.profiles;
  offer.after_tools = options_.after_tools;
  offer.max_output_tokens = options_.max_output_tokens;
  if (const ModelFacts* facts = agent_.generator().facts())
    offer.template_uses = [facts](const std::string& variable) { return facts->template_uses(variable); };
  return offer;
}

void Api::list_models(const HttpCall&, const Path&, Done done) {
  Json data = Json::array();
  const auto add = [&](const std::string& id) { data.push_back(model_json(id)); };
  add(agent_.generator().model_name());
  for (const auto& [name, profile] : options_.profiles) add(name);
  done(HttpReply::of(Json{{"object", "list"}, {"data", std::move(data)}}));
}

void Api::get_model(const HttpCall&, const Path& path, Done done) {
  if (path[0] != agent_.generator().model_name() && !options_.profiles.contains(path[0]))
    return done(
        HttpReply::of(ApiError{404, "invalid_request_error", "model_not_found", "there is no model '" + path[0] + "' here", "model"}));
  done(HttpReply::of(model_json(path[0])));
}

void Api::list_tools(const HttpCall&, const Path&, Done done) {
  constexpr const char* kPermissions[] = {"allow", "ask", "deny"};
  constexpr const char* kEffects[] = {"reads", "writes", "sends"};
  Json data = Json::array();
  for (const tools::ToolSpec* spec : agent_.tools().specs()) {
    data.push_back({{"id", spec->name},
                    {"object", "baton.tool"},
                    {"name", spec->name},
                    {"description", spec->description},
                    {"parameters", spec->parameters},
                    {"effect", kEffects[static_cast<int>(spec->traits.effect)]},
                    {"permission", kPermissions[static_cast<int>(agent_.permission(*spec))]}});
  }
  done(HttpReply::of(Json{{"object", "list"}, {"data", std::move(data)}}));
}

void Api::health(const HttpCall&, const Path&, Done done) { done(HttpReply::of(Json{{"status", "ok"}})); }

void Api::ready(const HttpCall&, const Path&, Done done) {
  std::string why;
  if (!ready_) {
    why = "the daemon is starting, or shutting down";
  } else if (const Result<void> can_run = hub_.ready(); !can_run) {
    why = ApiError::from(can_run.error()).message;
  }
  if (why.empty()) return done(HttpReply::of(Json{{"status", "ready"}}));
  HttpReply reply = HttpReply::of(Json{{"status", "not ready"}, {"reason", why}}, 503);
  reply.headers.emplace_back("Retry-After", "1");
  done(std::move(reply));
}

void Api::metrics(const HttpCall&, const Path&, Done done) {
  HttpReply reply;
  reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
  reply.body = run_metrics(hub_.stats()) + generator_metrics(agent_.generator().load()) +
               journal_metrics(journal_.stats(), journal_.state()) +
               "# HELP baton_uptime_seconds Since the daemon's start.\n# TYPE baton_uptime_seconds gauge\nbaton_uptime_seconds " +
               std::to_string(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_).count()) + "\n";
  if (more_metrics_) reply.body += more_metrics_();
  done(std::move(reply));
}

void Api::file(const HttpCall& call, const Path&, Done done) {
  const auto found = std::find_if(kFiles.begin(), kFiles.end(), [&](const StaticFile& f) { return call.path == f.path; });
  if (found == kFiles.end()) return done(HttpReply::of(ApiError::not_found("there is nothing at " + call.path)));
  HttpReply reply;
  reply.content_type = found->type;
  reply.body = std::string(found->text());
  reply.headers.emplace_back(
      "Content-Security-Policy",
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
      "form-action 'none'; frame-ancestors 'none'");
  done(std::move(reply));
}

Parsed<Json> list_page(const HttpCall& call, std::vector<Json> entries) {
  const auto query = [&](const char* name, const char* otherwise) {
    const auto at = call.query.find(name);
    return at == call.query.end() ? std::string(otherwise) : at->second;
  };
  const std::string order = query("order", "desc"), after = query("after", ""), limit_text = query("limit", "20");
  std::size_t limit = 0;
  const auto [end, failed] = std::from_chars(limit_text.data(), limit_text.data() + limit_text.size(), limit);
  if (failed != std::errc() || end != limit_text.data() + limit_text.size() || limit < 1 || limit > 100)
    return ApiError::invalid("limit", "'limit' must be a number from 1 to 100");
  if (order != "asc" && order != "desc") return ApiError::invalid("order", "'order' must be asc or desc");
  if (order == "desc") std::reverse(entries.begin(), entries.end());
  auto begin = entries.begin();
  if (!after.empty()) {
    begin = std::find_if(entries.begin(), entries.end(), [&](const Json& entry) { return entry.value("id", "") == after; });
    if (begin == entries.end()) return ApiError::invalid("after", "there is no entry '" + after + "' in this list");
    ++begin;
  }
  const auto size = std::min(limit, static_cast<std::size_t>(entries.end() - begin));
  Json data = Json::array();
  for (std::size_t i = 0; i < size; ++i) data.push_back(*(begin + static_cast<std::ptrdiff_t>(i)));
  const bool more = begin + static_cast<std::ptrdiff_t>(size) != entries.end();
  Json first = data.empty() ? Json() : data.front()["id"], last = data.empty() ? Json() : data.back()["id"];
  return Json{
      {"object", "list"}, {"data", std::move(data)}, {"first_id", std::move(first)}, {"last_id", std::move(last)}, {"has_more", more}};
}

Json with_ignored(Json answer, const protocol::Notes& notes) {
  if (const auto ignored = notes.ignored(); !ignored.empty()) answer["baton.ignored"] = ignored;
  return answer;
}

Json shown_item(const Json& content, const std::string& row_id) {
  Json item = content;
  item["id"] = row_id;
  return item;
}

}  // namespace baton::agent::api
