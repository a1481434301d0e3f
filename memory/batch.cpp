#include "batch.h"

namespace baton::memory {

template <class Record>
Batch& Batch::append(Record record) {
  if (!impl_) impl_ = std::make_shared<Impl>();
  if (impl_.use_count() > 1) impl_ = std::make_shared<Impl>(*impl_);  // a copy of a batch is a batch of its own
  impl_->writes.emplace_back(std::move(record));
  return *this;
}

Batch& Batch::put(Conversation conversation) & { return append(std::move(conversation)); }
Batch& Batch::put(Response response) & { return append(std::move(response)); }
Batch& Batch::add(Item item) & { return append(std::move(item)); }
Batch& Batch::add(Event event) & { return append(std::move(event)); }
Batch& Batch::put(ToolInvocation invocation) & { return append(std::move(invocation)); }
Batch& Batch::claim(std::string key, std::string response_id, std::string fingerprint) & {
  return append(Claim{std::move(key), std::move(response_id), std::move(fingerprint)});
}
Batch& Batch::allow_tool(std::string conversation_id, std::string tool) & {
  return append(AllowTool{std::move(conversation_id), std::move(tool)});
}
Batch& Batch::spent(std::string response_id, std::int64_t ms) & { return append(Spent{std::move(response_id), ms}); }
Batch& Batch::answer_approval(std::string approval_id, std::string response_id) & {
  return append(AnswerApproval{std::move(approval_id), std::move(response_id)});
}
Batch& Batch::fork(std::string conversation_id, std::string last_item_id, Conversation to) & {
  return append(ForkConversation{std::move(conversation_id), std::move(last_item_id), std::move(to)});
}
Batch& Batch::expect_idle(std::string conversation_id, std::string last_response_id) & {
  return append(ExpectIdle{std::move(conversation_id), std::move(last_response_id)});
}

}  // namespace baton::memory
