#include <baton/kernels/kv_pages.h>

#include <memory>
#include <random>

#include "device.h"

namespace baton::kernels::cuda {
namespace {

class KvPagesOps : public OnTarget {};
INSTANTIATE_TEST_SUITE_P(, KvPagesOps, testing::ValuesIn(device_targets()), target_name);

TEST_P(KvPagesOps, are_copied_in_all_buffers_and_nothing_else_is) {
  const std::vector<std::size_t> page_bytes = {16, 4096 + 16, 70000 / 16 * 16};
  std::vector<std::vector<std::uint8_t>> before;
  std::vector<std::unique_ptr<DeviceBuffer<std::uint8_t>>> buffers;
  std::vector<void*> addresses;
  for (const std::size_t bytes : page_bytes) {
    before.emplace_back(6 * bytes);
    std::mt19937 random(static_cast<unsigned>(bytes));
    for (std::uint8_t& b : before.back()) b = static_cast<std::uint8_t>(random());
    buffers.push_back(std::make_unique<DeviceBuffer<std::uint8_t>>(before.back()));
    addresses.push_back(buffers.back()->get());
  }
  const DeviceBuffer<void*> pointers(addresses);
  const DeviceBuffer<std::size_t> sizes(page_bytes);
  const DeviceBuffer<std::int32_t> pairs(std::vector<std::int32_t>{5, 0, 1, 3});
  copy_pages({pointers.get(), sizes.get(), pairs.get(), 3, 2}, nullptr);
  for (std::size_t b = 0; b < before.size(); ++b) {
    std::vector<std::uint8_t> want = before[b];
    const std::size_t bytes = page_bytes[b];
    std::copy_n(before[b].begin() + 5 * bytes, bytes, want.begin());
    std::copy_n(before[b].begin() + bytes, bytes, want.begin() + 3 * bytes);
    EXPECT_EQ(buffers[b]->values(), want);
  }
}

TEST_P(KvPagesOps, get_new_entries_in_their_table) {
  const DeviceBuffer<std::int32_t> table(std::vector<std::int32_t>(12, -1)), entries(std::vector<std::int32_t>{0, 0, 7, 2, 3, 9});
  set_pages({table.get(), 4, entries.get(), 2}, nullptr);
  std::vector<std::int32_t> want(12, -1);
  want[0] = 7, want[11] = 9;
  EXPECT_EQ(table.values(), want);
}

TEST_P(KvPagesOps, of_nothing_do_nothing) {
  copy_pages({nullptr, nullptr, nullptr, 0, 1}, nullptr);
  copy_pages({nullptr, nullptr, nullptr, 1, 0}, nullptr);
  set_pages({nullptr, 4, nullptr, 0}, nullptr);
  widen_pages({{}, {}, {}, 0, 0}, nullptr);
}

}  // namespace
}  // namespace baton::kernels::cuda
