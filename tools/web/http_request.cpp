#include "http_request.h"

#include <baton/tools/http/charset.h>
#include <baton/tools/http/content_type.h>
#include <baton/tools/text.h>

#include <utility>

namespace baton::tools {
namespace {

constexpr std::size_t kShownBytes = 16 * 1024;
constexpr std::size_t kMaxBodySent = 1 << 20;
constexpr ToolTraits kReads{
    .effect = Effect::reads, .idempotent = true, .timeout = std::chrono::seconds(30), .max_output_bytes = kShownBytes + 1024};
constexpr ToolTraits kSends{
    .effect = Effect::sends, .idempotent = false, .timeout = std::chrono::seconds(30), .max_output_bytes = kShownBytes + 1024};

enum class ReadMethod { GET, HEAD };
BOOST_DESCRIBE_ENUM(ReadMethod, GET, HEAD)
enum class SendMethod { GET, HEAD, POST, PUT, PATCH, DELETE };
BOOST_DESCRIBE_ENUM(SendMethod, GET, HEAD, POST, PUT, PATCH, DELETE)

using Headers = std::map<std::string, std::string>;

struct ReadArguments {
  std::string url;
  std::optional<ReadMethod> method;
  std::optional<Headers> headers;
};
BOOST_DESCRIBE_STRUCT(ReadArguments, (), (url, method, headers))

struct SendArguments {
  std::string url;
  std::optional<SendMethod> method;
  std::optional<Headers> headers;
  std::optional<Json> json;
  std::optional<std::string> body;
};
BOOST_DESCRIBE_STRUCT(SendArguments, (), (url, method, headers, json, body))

// The part of a response that is shown to the model.
class Shown {
 public:
  // An error ends the transfer: a body that the model will not see need not be received.
  Result<void> on_head(const HttpHead& head) {
    head_ = head;
    const std::string* type = find_header(head.headers, "content-type");
    type_ = type == nullptr ? "" : *type;
    binary_ = !type_.empty() && !is_text_type(type_);
    return binary_ ? stop() : Result<void>();
  }

  Result<void> on_body(std::string_view bytes) {
    body_.append(bytes.substr(0, kShownBytes + 1 - std::min(body_.size(), kShownBytes + 1)));
    if (type_.empty() && !looks_like_text(body_)) binary_ = true;
    return binary_ || body_.size() > kShownBytes ? stop() : Result<void>();
  }

  bool stopped() const { return stopped_; }

  ToolResult result() {
    std::string text = "HTTP " + std::to_string(head_.status) + (type_.empty() ? "" : ", " + type_) + ", " + size() + ", from " + head_.url;
    if (const std::string* location = find_header(head_.headers, "location")) text += ", Location: " + *location;
    if (binary_) {
      text += "\n\nThe body is binary and is not shown.";
    } else if (!body_.empty()) {
      const bool cut = body_.size() > kShownBytes;
      const std::string charset = charset_of(type_);
      if (!charset.empty() && !to_utf8("", charset)) text += ", in an encoding that is not known";
      std::string body = body_as_utf8(std::move(body_), type_.empty() ? "text/plain" : type_);
      if (cut || body.size() > kShownBytes) {
        body.resize(utf8_prefix(body, kShownBytes));
        body += "\n[cut here: these are the first " + std::to_string(body.size()) + " bytes]";
      }
      text += "\n\n" + body;
    }
    return {std::move(text), binary_ || head_.status >= 400};
  }

 private:
  Result<void> stop() {
    stopped_ = true;
    return Error{errc::too_large, "enough"};
  }

  std::string size() const {
    if (head_.content_length) return std::to_string(*head_.content_length) + " bytes";
    return stopped_ ? "more than " + std::to_string(body_.size()) + " bytes" : std::to_string(body_.size()) + " bytes";
  }

  HttpHead head_;
  std::string type_;
  std::string body_;
  bool binary_ = false;
  bool stopped_ = false;
};

ToolResult perform(HttpClient& client, HttpRequest request, const ToolContext& context) {
  Shown shown;
  request.stop = context.stop;
  request.max_body_bytes = UINT64_MAX;  // Shown ends the transfer itself
  request.on_head = [&](const HttpHead& head) { return shown.on_head(head); };
  request.on_body = [&](std::string_view bytes) { return shown.on_body(bytes); };
  const Result<HttpResponse> response = client.send(request);
  if (!response && !shown.stopped()) return ToolResult::error(response.error().message);
  return shown.result();
}

HttpHeaders list_of(const std::optional<Headers>& headers) {
  return headers ? HttpHeaders(headers->begin(), headers->end()) : HttpHeaders();
}

ToolResult send(HttpClient& client, const SendArguments& arguments, const ToolContext& context) {
  HttpRequest request{.url = arguments.url, .headers = list_of(arguments.headers)};
  // The enumerators have the order of HttpMethod.
  request.method = static_cast<HttpMethod>(arguments.method.value_or(SendMethod::GET));
  if (arguments.json && arguments.body) return ToolResult::error("give either 'json' or 'body', not both");
  if (arguments.json || arguments.body) {
    if (only_reads(request.method)) {
      return ToolResult::error(std::string("a ") + name_of(request.method) + " request has no body: did you mean POST?");
    }
    request.body = arguments.json ? arguments.json->dump(-1, ' ', false, Json::error_handler_t::replace) : *arguments.body;
    if (request.body.size() > kMaxBodySent) return ToolResult::error("the body is longer than 1 MiB");
    if (find_header(request.headers, "content-type") == nullptr) {
      request.headers.emplace_back("Content-Type", arguments.json ? "application/json" : "text/plain; charset=utf-8");
    }
  }
  if (!only_reads(request.method) && !context.idempotency_key.empty() && find_header(request.headers, "idempotency-key") == nullptr) {
    request.headers.emplace_back("Idempotency-Key", context.idempotency_key);
  }
  return perform(client, std::move(request), context);
}

std::string description(const HttpRequestOptions& options) {
  std::string hosts;
  for (const std::string& host : options.allow_hosts) hosts += (hosts.empty() ? "" : ", ") + host;
  return (options.allow_send ? "Sends an HTTP request and returns the answer. Allowed hosts: "
                             : "Gets a web page or API answer over HTTP. Allowed hosts: ") +
         hosts;
}

}  // namespace

Result<void> add_http_request(ToolSet& tools, const HttpRequestOptions& options) {
  if (options.allow_hosts.empty()) return {};
  Result<AddressPolicy> policy = AddressPolicy::only(options.allow_hosts);
  if (!policy) return policy.error();
  HttpOptions http = options.http;
  http.policy = std::move(*policy);
  if (http.total_timeout == http.total_timeout.zero()) http.total_timeout = kReads.timeout;
  const std::shared_ptr<HttpClient> client = make_http_client(std::move(http));
  if (options.allow_send) {
    return tools.add<SendArguments>(
        "http_request", description(options),
        {field(&SendArguments::url, "http:// or https://").max_length(8000), field(&SendArguments::method, "GET when left out"),
         field(&SendArguments::headers, "request headers"), field(&SendArguments::json, "the body, as JSON"),
         field(&SendArguments::body, "the body, as text")},
        [client](const SendArguments& arguments, ToolContext& context) { return send(*client, arguments, context); }, kSends);
  }
  return tools.add<ReadArguments>(
      "http_request", description(options),
      {field(&ReadArguments::url, "http:// or https://").max_length(8000), field(&ReadArguments::method, "GET when left out"),
       field(&ReadArguments::headers, "request headers")},
      [client](const ReadArguments& arguments, ToolContext& context) {
        const HttpMethod method = arguments.method == ReadMethod::HEAD ? HttpMethod::head : HttpMethod::get;
        return perform(*client, {.url = arguments.url, .method = method, .headers = list_of(arguments.headers)}, context);
      },
      kReads);
}

}  // namespace baton::tools
