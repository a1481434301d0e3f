#include "api_tools.h"

#include <baton/tools/http/charset.h>
#include <baton/tools/http/content_type.h>
#include <baton/tools/http/http_url.h>
#include <baton/tools/read_json.h>
#include <baton/tools/text.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <random>

#include "api_file.h"
#include "rate_limit.h"
#include "reply.h"
#include "request_builder.h"

namespace baton::tools {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kMaxReplyBytes = 8 << 20;
// A reply is only searched along paths, so one object may have all the keys: an API may answer with a map.
constexpr JsonLimits kReplyLimits{.levels = 200, .keys_of_object = 200'000, .keys = 200'000, .values = 1'000'000};
constexpr std::size_t kShownOfError = 2000;
constexpr std::size_t kMinSecretBytes = 4;  // shorter secrets would blot out half of any text

std::string base64(std::string_view bytes) {
  constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t n = 0;
    for (std::size_t j = 0; j < 3; ++j) n = n << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    for (std::size_t j = 0; j < 4; ++j) out += i + j > bytes.size() ? '=' : kLetters[n >> (18 - 6 * j) & 63];
  }
  return out;
}

struct Secret {
  ApiAuth auth;
  std::string value;
};

// Sleeps; false when stop was requested.
bool sleep_for(milliseconds time, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

double random_fraction() {
  thread_local std::mt19937_64 engine(std::random_device{}());
  return std::uniform_real_distribution<double>(0, 1)(engine);
}

// One tool of a file. Immutable; its calls run on the pool.
class ApiTool {
 public:
  ApiTool(ApiSpec spec, std::vector<Secret> secrets, std::shared_ptr<HttpClient> client, std::shared_ptr<RateLimit> limit,
          const ApiOptions& options)
      : spec_(std::move(spec)),
        secrets_(std::move(secrets)),
        client_(std::move(client)),
        limit_(std::move(limit)),
        wait_(options.wait),
        random_(options.random),
        now_(options.now) {
    if (!wait_) wait_ = sleep_for;
    if (!random_) random_ = random_fraction;
  }

  ToolResult call(const Json& arguments, const ToolContext& context) const {
    ToolResult result = run(arguments, context);
    // A server may echo its request, and an error contains the URL.
    for (const Secret& secret : secrets_) {
      const std::string quoted = Json(secret.value).dump(-1, ' ', false, Json::error_handler_t::replace);
      for (const std::string& form :
           {secret.value, percent_encoded(secret.value), base64(secret.value), quoted.substr(1, quoted.size() - 2)}) {
        if (form.size() < kMinSecretBytes) continue;
        for (std::size_t at = result.content.find(form); at != std::string::npos; at = result.content.find(form, at)) {
          result.content.replace(at, form.size(), "[" + secret.auth.environment + "]");
          at += secret.auth.environment.size() + 2;
        }
      }
    }
    return result;
  }

 private:
  ToolResult run(const Json& arguments, const ToolContext& context) const {
    Result<BuiltRequest> built = build_request(spec_, arguments);
    if (!built) return ToolResult::error(built.error().message);
    if (!only_reads(spec_.method) && !context.idempotency_key.empty() && find_header(built->headers, "idempotency-key") == nullptr) {
      built->headers.emplace_back("Idempotency-Key", context.idempotency_key);
    }
    for (const Secret& secret : secrets_) {
      if (secret.auth.kind == ApiAuth::Kind::bearer) built->headers.emplace_back("Authorization", "Bearer " + secret.value);
      if (secret.auth.kind == ApiAuth::Kind::basic) built->headers.emplace_back("Authorization", "Basic " + base64(secret.value));
      if (secret.auth.kind == ApiAuth::Kind::header) built->headers.emplace_back(secret.auth.name, secret.value);
      if (secret.auth.kind == ApiAuth::Kind::query) built->set_query(secret.auth.name, secret.value);
    }
    return spec_.pages ? all_pages(std::move(*built), context) : one_page(*built, context);
  }

  ToolResult one_page(const BuiltRequest& built, const ToolContext& context) const {
    const Result<HttpResponse> response = request(built, built.full_url(), context);
    if (!response) return ToolResult::error(response.error().message);
    if (response->head.status >= 400) return refused(*response);
    const std::string* type = find_header(response->head.headers, "content-type");
    if (response->body.empty()) return ToolResult::text("HTTP " + std::to_string(response->head.status) + ": done, the reply is empty");
    const Result<ReadJson> reply = read_json(response->body, kReplyLimits);
    if (!reply) {
      const bool text = type == nullptr || type->empty() ? looks_like_text(response->body) : is_text_type(*type);
      const std::string what = (type == nullptr ? "no type" : *type) + ", " + std::to_string(response->body.size()) + " bytes";
      if (!text) return ToolResult::error("the reply is binary (" + what + ") and is not shown");
      if (reply.error().code == errc::too_large && spec_.result.empty()) return ToolResult::text(response->body);
      if (reply.error().code == errc::too_large)
        return ToolResult::error("the reply is too large to be searched: " + reply.error().message);
      if (!spec_.result.empty() || (type != nullptr && is_json_type(*type))) {
        return ToolResult::error("the reply is not JSON as expected (" + what +
                                 "): " + response->body.substr(0, utf8_prefix(response->body, kShownOfError)));
      }
      return ToolResult::text(response->body);
    }
    const std::optional<Json> found = found_at(reply->value, spec_.result);
    if (!found) return nothing_at(spec_.result, reply->value);
    return shown(*found);
  }

  ToolResult all_pages(BuiltRequest built, const ToolContext& context) const {
    const ApiPages& pages = *spec_.pages;
    const bool numbered = pages.by == ApiPages::By::page || pages.by == ApiPages::By::offset;
    int number = pages.first;
    if (numbered) {
      const auto given =
          std::find_if(built.query.begin(), built.query.end(), [&](const auto& pair) { return pair.first == pages.parameter; });
      if (given != built.query.end()) {
        number = std::atoi(given->second.c_str());
      } else {
        built.set_query(pages.parameter, std::to_string(number));
      }
    }
    Json items = Json::array();
    std::string url = built.full_url(), note;
    std::size_t bytes = 0;
    for (int page = 1;; ++page) {
      const Result<HttpResponse> response = request(built, url, context);
      Result<ReadJson> reply = Error{errc::network, ""};
      if (response && response->head.status < 400) reply = read_json(response->body, kReplyLimits);
      if (!reply) {
        // A partial result is worth more than an error, if it says that it is partial.
        const ToolResult failed = !response ? ToolResult::error(response.error().message)
                                  : response->head.status >= 400
                                      ? refused(*response)
                                      : ToolResult::error("the reply is not JSON as expected: " + reply.error().message);
        if (page == 1) return failed;
        note = "[page " + std::to_string(page) + " failed: " + failed.content + "]";
        break;
      }
      const ApiPath& where = pages.items ? *pages.items : spec_.result;
      const std::optional<Json> found = found_at(reply->value, where);
      if (!found || !found->is_array()) {
        if (page == 1) return found ? shown(*found) : nothing_at(where, reply->value);
        break;
      }
      for (const Json& item : *found) items.push_back(item);
      bytes += response->body.size();
      context.progress(static_cast<double>(page) / pages.max, std::to_string(items.size()) + " items");
      const Result<std::string> next = next_page(built, url, number, *response, reply->value, found->size());
      if (!next) {
        note = "[" + next.error().message + "]";
        break;
      }
      if (next->empty()) break;
      if (page == pages.max || bytes > spec_.tool.traits.max_output_bytes) {
        note = "[these are the first " + std::to_string(page) + " pages, " + std::to_string(items.size()) + " items; there are more]";
        break;
      }
      url = with_key(*next);
    }
    ToolResult result = shown(items);
    if (note.empty()) return result;
    // Placed before the items, because the end of a long output is cut off.
    result.content = note + "\n" + result.content;
    return result;
  }

  // Empty: there is no next page. The error is shown after the list so far.
  Result<std::string> next_page(BuiltRequest& built, const std::string& url, int& number, const HttpResponse& response, const Json& reply,
                                std::size_t n_items) const {
    const ApiPages& pages = *spec_.pages;
    if (pages.more) {
      const std::optional<Json> more = found_at(reply, *pages.more);
      if (!more || more->is_null() || *more == false || *more == 0) return std::string();
    }
    switch (pages.by) {
      case ApiPages::By::page:
      case ApiPages::By::offset:
        if (n_items == 0) return std::string();
        number += pages.by == ApiPages::By::page ? 1 : static_cast<int>(n_items);
        built.set_query(pages.parameter, std::to_string(number));
        return built.full_url();
      case ApiPages::By::cursor: {
        const std::optional<Json> cursor = found_at(reply, *pages.next);
        if (!cursor || cursor->is_null() || cursor->is_structured() || plain_text(*cursor).empty()) return std::string();
        built.set_query(pages.parameter, plain_text(*cursor));
        const std::string next = built.full_url();
        return next == url ? std::string() : next;
      }
      case ApiPages::By::link:
        return same_origin(url, next_link(response.head.headers));
      case ApiPages::By::url: {
        const std::optional<Json> next = found_at(reply, *pages.next);
        return same_origin(url, next && next->is_string() ? next->get<std::string>() : "");
      }
    }
    return std::string();
  }

  // A server's own link need not repeat a key from the query.
  std::string with_key(std::string url) const {
    for (const Secret& secret : secrets_) {
      if (secret.auth.kind != ApiAuth::Kind::query) continue;
      const std::string name = percent_encoded(secret.auth.name) + "=";
      if (url.find("?" + name) != std::string::npos || url.find("&" + name) != std::string::npos) continue;
      url += (url.find('?') == std::string::npos ? "?" : "&") + name + percent_encoded(secret.value);
    }
    return url;
  }

  // The key is sent with each request, so the next page must have the same origin.
  static Result<std::string> same_origin(const std::string& url, const std::string& next) {
    if (next.empty()) return next;
    const Result<HttpUrl> base = parse_http_url(url);
    if (!base) return base.error();
    const Result<HttpUrl> target = resolve_redirect(*base, next);
    if (!target || target->origin() != base->origin()) {
      return Error{errc::forbidden, "the next page is said to be at another host, where it is not fetched; there are more"};
    }
    return target->text == base->text ? std::string() : target->text;
  }

  Result<HttpResponse> request(const BuiltRequest& built, const std::string& url, const ToolContext& context) const {
    milliseconds delay = spec_.retry.first_delay;
    for (int attempt = 1;; ++attempt) {
      if (limit_ != nullptr) {
        const std::optional<Clock::time_point> turn = limit_->turn(Clock::now(), context.deadline);
        if (!turn) return Error{errc::timeout, "too many calls for this API's limit; try again later"};
        if (*turn > Clock::now() && !wait_(std::chrono::ceil<milliseconds>(*turn - Clock::now()), context.stop)) {
          return Error{errc::cancelled, "cancelled"};
        }
      }
      HttpRequest http{.url = url, .method = spec_.method, .headers = built.headers, .body = built.body, .stop = context.stop};
      http.max_body_bytes = kMaxReplyBytes;
      Result<HttpResponse> response = client_->send(http);
      if (response) {
        const std::string* type = find_header(response->head.headers, "content-type");
        response->body = body_as_utf8(std::move(response->body), type == nullptr ? "" : *type);
      }
      const bool again =
          response ? is_transient(response->head.status) : response.error().code == errc::network || response.error().code == errc::timeout;
      if (!again || attempt >= spec_.retry.attempts) return response;
      // Half of the delay is random, so that many clients that failed together do not retry together.
      milliseconds pause(static_cast<milliseconds::rep>(static_cast<double>(delay.count()) * (0.5 + 0.5 * random_())));
      if (response) pause = std::max(pause, retry_after(response->head.headers, now_()).value_or(milliseconds(0)));
      if (Clock::now() + pause >= context.deadline) return response;
      context.progress(0, "attempt " + std::to_string(attempt) + " failed; the next one in " + std::to_string(pause.count()) + " ms");
      if (!wait_(pause, context.stop)) return Error{errc::cancelled, "cancelled"};
      delay = std::min(delay * 2, spec_.retry.max_delay);
    }
  }

  static bool is_transient(int status) { return status == 429 || status == 502 || status == 503 || status == 504; }

  ToolResult refused(const HttpResponse& response) const {
    std::string text = "HTTP " + std::to_string(response.head.status) + " from " + response.head.url;
    if ((response.head.status == 401 || response.head.status == 403) && !secrets_.empty()) {
      text += " (the user must check the environment variable " + secrets_.front().auth.environment + ")";
    }
    if (const auto wait = retry_after(response.head.headers, now_())) {
      text += ", to be tried again in " + std::to_string((wait->count() + 999) / 1000) + " s";
    }
    if (!looks_like_text(response.body)) return ToolResult::error(text);
    const std::string body = valid_utf8(response.body);
    return ToolResult::error(text + (body.empty() ? "" : ": " + body.substr(0, utf8_prefix(body, kShownOfError))));
  }

  static ToolResult nothing_at(const ApiPath& path, const Json& reply) {
    const std::string text = reply.dump(-1, ' ', false, Json::error_handler_t::replace);
    return ToolResult::error("the reply has nothing at " + path_text(path) + ": " + text.substr(0, utf8_prefix(text, kShownOfError)));
  }

  static ToolResult shown(const Json& value) {
    return value.is_string() ? ToolResult::text(value.get<std::string>()) : ToolResult::json(value);
  }

  const ApiSpec spec_;
  const std::vector<Secret> secrets_;
  const std::shared_ptr<HttpClient> client_;
  const std::shared_ptr<RateLimit> limit_;
  std::function<bool(milliseconds, std::stop_token)> wait_;
  std::function<double()> random_;
  std::function<std::chrono::system_clock::time_point()> now_;
};

// The private address in the file's own url, as an entry of an AddressPolicy; empty: it is not private. Only the user, not a file, can
// allow metadata services.
std::string own_address(const std::string& origin) {
  const Result<HttpUrl> url = parse_http_url(origin);
  if (!url) return "";
  if (url->host == "localhost") return "localhost:" + url->port;
  const std::optional<IpAddress> address = IpAddress::parse(url->host);
  if (!address || address->special() == nullptr || address->is_metadata()) return "";
  return (address->is_v4() ? address->text() : "[" + address->text() + "]") + ":" + url->port;
}

// Tools that may reach the same hosts share a client, because each client loads the system's certificates.
class Clients {
 public:
  explicit Clients(const ApiOptions& options) : options_(options) {}

  Result<std::shared_ptr<HttpClient>> get(const ApiSpec& spec) {
    const std::string own = own_address(spec.origin);
    const auto key = std::pair(own, spec.tool.traits.timeout);
    if (const auto it = clients_.find(key); it != clients_.end()) return it->second;
    HttpOptions http = options_.http;
    std::vector<std::string> allowed = options_.allow_hosts;
    if (!own.empty()) allowed.push_back(own);
    Result<AddressPolicy> policy = AddressPolicy::public_and(allowed);
    if (!policy) return policy.error();
    http.policy = std::move(*policy);
    http.total_timeout = spec.tool.traits.timeout;
    return clients_[key] = make_http_client(std::move(http));
  }

 private:
  const ApiOptions& options_;
  std::map<std::pair<std::string, milliseconds>, std::shared_ptr<HttpClient>> clients_;
};

Result<std::vector<Secret>> secrets_of(const ApiSpec& spec, const std::string& file, const ApiOptions& options) {
  std::vector<Secret> secrets;
  for (const ApiAuth& auth : spec.auth) {
    const std::string at = file + ": " + spec.place + "/auth: the environment variable " + auth.environment;
    const std::optional<std::string> value = options.environment ? options.environment(auth.environment) : std::nullopt;
    if (!value || value->empty()) return Error{errc::invalid_argument, at + " is not set: set it to the secret of " + spec.origin};
    if (!check_http_headers({{"X", *value}})) return Error{errc::invalid_argument, at + " holds a line break or another control character"};
    secrets.push_back({auth, *value});
  }
  return secrets;
}

}  // namespace

Result<void> add_api_tools(ToolSet& tools, std::string_view text, const std::string& file, const ApiOptions& options) {
  Result<std::vector<ApiSpec>> specs = read_api_file(text, file);
  if (!specs) return specs.error();
  Clients clients(options);
  std::shared_ptr<RateLimit> shared_limit;
  for (ApiSpec& spec : *specs) {
    if (options.accepts && !options.accepts(spec.tool)) continue;
    Result<std::vector<Secret>> secrets = secrets_of(spec, file, options);
    if (!secrets) return secrets.error();
    Result<std::shared_ptr<HttpClient>> client = clients.get(spec);
    if (!client) return client.error();
    std::shared_ptr<RateLimit> limit;
    if (spec.limit != ApiLimit()) {
      if (spec.shares_limit && shared_limit == nullptr) shared_limit = std::make_shared<RateLimit>(spec.limit);
      limit = spec.shares_limit ? shared_limit : std::make_shared<RateLimit>(spec.limit);
    }
    const ToolSpec described = spec.tool;
    const std::string place = spec.place;
    const auto tool = std::make_shared<const ApiTool>(std::move(spec), std::move(*secrets), *client, limit, options);
    Result<void> added =
        tools.add(described, [tool](const Json& arguments, ToolContext& context) { return tool->call(arguments, context); });
    if (!added) return Error{added.error().code, file + ": " + place + ": " + added.error().message};
  }
  return {};
}

}  // namespace baton::tools
