// Bodies of response.create and of chat completions, as any client may send them.
#include <baton/agent/protocol/chat_request.h>

#include <cstdint>

namespace {

using namespace baton::agent;

const protocol::Offer& offer() {
  static const baton::tools::ToolSpec kTool{"add", "", {{"type", "object"}}, {}};
  static const protocol::Profiles kProfiles{{"helper", {.instructions = "Help.", .tools = {"add"}}}};
  static const protocol::Offer kOffer{.model = "tiny", .tools = {&kTool}, .profiles = &kProfiles};
  return kOffer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = protocol::parse_json(std::string(reinterpret_cast<const char*>(data), size));
  if (!body) return 0;
  for (const protocol::Channel channel : {protocol::Channel::http, protocol::Channel::websocket}) {
    const auto request = protocol::parse_create(*body, offer(), channel);
    if (!request && request.error().message.empty()) __builtin_trap();
  }
  const auto chat = protocol::parse_chat(*body, offer());
  if (!chat && chat.error().message.empty()) __builtin_trap();
  return 0;
}
