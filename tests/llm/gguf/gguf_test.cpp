#include <baton/llm/gguf/gguf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "gguf_writer.h"
#include "temporary_folder.h"

namespace baton::llm {
namespace {

using test::GgufWriter;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// A file in memory beside the bytes it reads.
struct Loaded {
  explicit Loaded(const GgufWriter& writer)
      : bytes(writer.bytes()), file(GgufFile::from_memory(std::as_bytes(std::span(bytes)), "tiny.gguf")) {}
  std::vector<std::uint8_t> bytes;
  Result<GgufFile> file;
};

Result<GgufFile> parse(std::span<const std::uint8_t> bytes) { return GgufFile::from_memory(std::as_bytes(bytes), "bad.gguf"); }
std::string error_of(const std::vector<std::uint8_t>& bytes) {
  const auto file = parse(bytes);
  return file ? "no error" : file.error().message;
}
template <class T>
void poke(std::vector<std::uint8_t>& bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof(value));
}
std::string raw(std::initializer_list<std::uint64_t> words) {
  std::string out;
  for (const auto word : words) out.append(reinterpret_cast<const char*>(&word), sizeof(word));
  return out;
}

GgufWriter everything(std::uint32_t version = 3, std::uint32_t alignment = 32) {
  GgufWriter w(version, alignment);
  w.add("general.architecture", "llama")
      .add_u32("llama.block_count", 2)
      .add_i32("signed", -5)
      .add_u64("large", 1ull << 40)
      .add_f32("f", 0.5f);
  w.add_f64("d", 1e300)
      .add_bool("yes", true)
      .add_strings("words", {"a", "", "ccc"})
      .add_i32s("ints", {1, -2, 3})
      .add_f32s("floats", {0.5f, -1});
  w.add_tensor_f32("one", {3}, {1, 2, 3});
  w.add_tensor("quantised", 2, {32, 2}, std::string(36, 'q'));
  return w;
}

TEST(Gguf, reads_what_was_written_in_versions_2_and_3_and_any_alignment) {
  for (const auto version : {2u, 3u}) {
    for (const auto alignment : {1u, 8u, 32u, 4096u}) {
      const Loaded loaded(everything(version, alignment));
      ASSERT_TRUE(loaded.file) << loaded.file.error().message;
      const auto& file = *loaded.file;
      EXPECT_EQ(file.version(), version);
      EXPECT_EQ(file.alignment(), alignment);
      EXPECT_EQ(file.architecture(), "llama");
      EXPECT_EQ(*file.get_u32("llama.block_count"), 2u);
      EXPECT_EQ(*file.get_u64("large"), 1ull << 40);
      EXPECT_EQ(*file.get_f32("f"), 0.5f);
      EXPECT_TRUE(*file.get_bool("yes"));
      EXPECT_THAT(*file.get_strings("words"), ElementsAre("a", "", "ccc"));
      EXPECT_THAT(*file.get_i32_array("ints"), ElementsAre(1, -2, 3));
      EXPECT_THAT(*file.get_f32_array("floats"), ElementsAre(0.5f, -1.0f));
      ASSERT_EQ(file.tensors().size(), 2u);
      const auto* one = *file.tensor("one");
      float values[3];
      ASSERT_EQ(one->bytes.size(), sizeof(values));
      std::memcpy(values, one->bytes.data(), sizeof(values));
      EXPECT_THAT(values, ElementsAre(1, 2, 3));
      const auto* quantised = *file.tensor("quantised");
      EXPECT_EQ(quantised->type_name(), "Q4_0");
      EXPECT_EQ(quantised->shape_text(), "32 x 2");
      EXPECT_EQ(quantised->bytes.size(), 36u);
      EXPECT_EQ(quantised->bytes[0], std::byte{'q'});
      EXPECT_EQ(quantised->offset % alignment, 0u);
      EXPECT_EQ(file.find_tensor("two"), nullptr);
    }
  }
}

TEST(Gguf, stays_readable_after_a_move_and_from_a_mapped_file) {
  const baton::TemporaryFolder folder;
  const auto path = folder.path() / "tiny.gguf";
  ASSERT_TRUE(everything().save(path.string()));
  auto opened = GgufFile::open(path);
  ASSERT_TRUE(opened) << opened.error().message;
  const auto* key = opened->find("words");
  const GgufFile moved = std::move(*opened);
  EXPECT_EQ(moved.find("words"), key);
  EXPECT_EQ(key->describe(2), "[a, , ... 3 in all]");
  EXPECT_EQ(moved.file_size(), std::filesystem::file_size(path));
  EXPECT_EQ(moved.path(), path.string());
}

TEST(Gguf, names_key_and_type_when_metadata_is_missing_or_of_another_type) {
  const Loaded loaded(everything());
  const auto& file = *loaded.file;
  EXPECT_EQ(file.get_u32("no.such").error().message, "tiny.gguf: metadata 'no.such' is missing");
  EXPECT_EQ(*file.get_u32_or("no.such", 7), 7u);
  EXPECT_EQ(*file.get_string_or("no.such", "x"), "x");
  EXPECT_EQ(file.get_u32("signed").error().message,
            "tiny.gguf: metadata 'signed' is -5 (int32), an integer from 0 to 4294967295 is needed");
  EXPECT_FALSE(file.get_u32("large"));
  EXPECT_FALSE(file.get_u32_or("words", 7));
  EXPECT_FALSE(file.get_f32("d")) << "1e300 is not a float";
  EXPECT_FALSE(file.get_bool("f"));
  EXPECT_THAT(file.get_string("words").error().message, HasSubstr("array of string"));
  EXPECT_FALSE(file.get_strings("ints"));
  EXPECT_FALSE(file.get_i32_array("floats"));
  EXPECT_FALSE(file.get_f32_array("f"));
  EXPECT_FALSE(file.tensor("no.such"));
}

TEST(Gguf, reads_an_empty_array_at_the_very_end_of_a_file) {
  GgufWriter w;
  w.add_i32s("empty", {});
  const Loaded loaded(w);
  ASSERT_TRUE(loaded.file) << loaded.file.error().message;
  EXPECT_TRUE(loaded.file->get_i32_array("empty")->empty());
  EXPECT_EQ(loaded.file->tensors().size(), 0u);
}

TEST(Gguf, refuses_every_prefix_of_a_file) {
  const auto bytes = everything().bytes();
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    // A copy of exactly this size, so that a sanitizer detects a read after its end.
    const std::vector<std::uint8_t> prefix(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    const auto file = parse(prefix);
    ASSERT_FALSE(file) << n << " of " << bytes.size() << " bytes";
    EXPECT_THAT(file.error().message, HasSubstr("bad.gguf, byte ")) << n;
  }
}

TEST(Gguf, survives_any_byte_being_changed) {
  const auto bytes = everything().bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const std::uint8_t value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      auto changed = bytes;
      changed[i] = value;
      const auto file = parse(changed);
      if (!file) continue;
      std::size_t total = 0;
      for (const auto& entry : file->entries()) total += entry.describe().size();
      for (const auto& tensor : file->tensors()) {
        for (const auto byte : tensor.bytes) total += static_cast<std::size_t>(byte);
      }
      EXPECT_GT(total, 0u);
    }
  }
}

TEST(Gguf, refuses_what_is_not_gguf) {
  EXPECT_THAT(error_of({'G', 'G'}), HasSubstr("too short"));
  EXPECT_THAT(error_of({'P', 'K', 3, 4, 0, 0, 0, 0}), HasSubstr("not a GGUF file"));
  auto bytes = everything().bytes();
  poke<std::uint32_t>(bytes, 4, 1);
  EXPECT_THAT(error_of(bytes), HasSubstr("version 1 is not supported"));
  poke<std::uint32_t>(bytes, 4, 0x03000000);
  EXPECT_THAT(error_of(bytes), HasSubstr("big-endian"));
}

TEST(Gguf, refuses_files_that_cannot_be_read) {
  const baton::TemporaryFolder folder;
  EXPECT_THAT(GgufFile::open(folder.path() / "none.gguf").error().message, HasSubstr("No such file"));
  EXPECT_THAT(GgufFile::open(folder.path()).error().message, HasSubstr("not a regular file"));
  std::ofstream(folder.path() / "empty.gguf").flush();
  EXPECT_THAT(GgufFile::open(folder.path() / "empty.gguf").error().message, HasSubstr("empty"));
}

// A model of three tensors in as many files.
class SplitGguf : public testing::Test {
 protected:
  SplitGguf() {
    for (std::uint32_t i = 0; i < 3; ++i) save(i, part(i));
  }
  static GgufWriter part(std::uint32_t i, std::uint32_t n = 3) {
    GgufWriter w;
    if (i == 0) w.add("general.architecture", "llama").add_u32("split.tensors.count", 3);
    w.add_u32("split.no", i).add_u32("split.count", n);
    w.add_tensor_f32("t" + std::to_string(i), {2}, {static_cast<float>(i), 7});
    return w;
  }
  std::filesystem::path path(std::uint32_t i) const { return folder_.path() / ("tiny-0000" + std::to_string(i + 1) + "-of-00003.gguf"); }
  void save(std::uint32_t i, const GgufWriter& writer) const { ASSERT_TRUE(writer.save(path(i).string())); }
  std::string error() const { return GgufFile::open(path(0)).error().message; }

  baton::TemporaryFolder folder_;
};

TEST_F(SplitGguf, is_one_file_whichever_part_is_opened) {
  for (std::uint32_t opened = 0; opened < 3; ++opened) {
    auto file = GgufFile::open(path(opened));
    ASSERT_TRUE(file) << file.error().message;
    const GgufFile moved = std::move(*file);
    EXPECT_EQ(moved.architecture(), "llama");
    EXPECT_EQ(moved.path(), path(0).string());
    std::uint64_t size = 0;
    ASSERT_EQ(moved.tensors().size(), 3u);
    for (std::uint32_t i = 0; i < 3; ++i) {
      size += std::filesystem::file_size(path(i));
      const auto* tensor = *moved.tensor("t" + std::to_string(i));
      float values[2];
      ASSERT_EQ(tensor->bytes.size(), sizeof values);
      std::memcpy(values, tensor->bytes.data(), sizeof values);
      EXPECT_THAT(values, ElementsAre(static_cast<float>(i), 7));
    }
    EXPECT_EQ(moved.file_size(), size);
  }
}

TEST_F(SplitGguf, says_which_part_is_missing_or_another) {
  save(1, part(2));
  EXPECT_THAT(error(), HasSubstr("tiny-00002-of-00003.gguf: is part 3 of 3, not part 2 of 3 as its name says"));
  save(1, part(1, 4));
  EXPECT_THAT(error(), HasSubstr("is part 2 of 4, not part 2 of 3"));
  GgufWriter twice;
  twice.add_u32("split.no", 1).add_u32("split.count", 3).add_tensor_f32("t0", {1}, {1});
  save(1, twice);
  EXPECT_THAT(error(), HasSubstr("'t0' occurs twice"));
  GgufWriter two;
  two.add_u32("split.no", 1).add_u32("split.count", 3).add_tensor_f32("t1", {1}, {1}).add_tensor_f32("more", {1}, {1});
  save(1, two);
  EXPECT_THAT(error(), HasSubstr("3 parts have 4 tensors, and split.tensors.count says 3"));
  std::filesystem::remove(path(1));
  EXPECT_THAT(error(), AllOf(HasSubstr("tiny-00002-of-00003.gguf: cannot be opened: No such file"), HasSubstr("the first of 3 parts")));
  save(1, part(1));
  std::filesystem::rename(path(0), folder_.path() / "renamed.gguf");
  EXPECT_THAT(GgufFile::open(folder_.path() / "renamed.gguf").error().message,
              HasSubstr("part 1 of 3 of a model in several files, which are found by their names: name it NAME-00001-of-00003.gguf"));
  EXPECT_THAT(GgufFile::open(path(2)).error().message,
              AllOf(HasSubstr("tiny-00001-of-00003.gguf: cannot be opened"), HasSubstr("is part 3 of 3 of this model")));
  GgufWriter odd;
  odd.add_u32("split.no", 5).add_u32("split.count", 3);
  save(0, odd);
  EXPECT_THAT(error(), HasSubstr("part 5 of 3"));
  EXPECT_THAT(Loaded(part(0)).file.error().message, HasSubstr("open it by its path"));
}

// CVE-2024-23605 and similar ones: counts that no file could hold.
TEST(Gguf, refuses_counts_beyond_the_file) {
  for (const std::uint64_t count : {std::uint64_t{1} << 20, std::uint64_t{1} << 61, ~std::uint64_t{0}}) {
    auto bytes = everything().bytes();
    poke(bytes, 8, count);
    EXPECT_THAT(error_of(bytes), HasSubstr("tensors cannot fit"));
    bytes = everything().bytes();
    poke(bytes, 16, count);
    EXPECT_THAT(error_of(bytes), HasSubstr("entries cannot fit"));
    for (const std::uint32_t element : {0u, 5u, 8u, 12u}) {
      GgufWriter w;
      std::string array(4, '\0');
      std::memcpy(array.data(), &element, 4);
      w.add_raw("array", 9, array + raw({count}));
      EXPECT_THAT(error_of(w.bytes()), HasSubstr("'array' claims")) << element;
    }
    GgufWriter w;
    w.add_raw("text", 8, raw({count}));
    EXPECT_THAT(error_of(w.bytes()), HasSubstr("claims")) << count;
  }
}

TEST(Gguf, refuses_unknown_value_types_arrays_of_arrays_and_duplicates) {
  EXPECT_THAT(error_of(GgufWriter().add_raw("k", 13, raw({0})).bytes()), HasSubstr("'k' has unknown type 13"));
  EXPECT_THAT(error_of(GgufWriter().add_raw("k", 9, std::string("\x0d\0\0\0", 4) + raw({0})).bytes()), HasSubstr("element type 13"));
  EXPECT_THAT(error_of(GgufWriter().add_raw("k", 9, std::string("\x09\0\0\0", 4) + raw({0})).bytes()), HasSubstr("array of arrays"));
  EXPECT_THAT(error_of(GgufWriter().add_u32("k", 1).add_u32("k", 2).bytes()), HasSubstr("metadata 'k' occurs twice"));
  GgufWriter w;
  w.add_tensor_f32("t", {1}, {1}).add_tensor_f32("t", {1}, {1});
  EXPECT_THAT(error_of(w.bytes()), HasSubstr("tensor 't' occurs twice"));
  EXPECT_THAT(error_of(GgufWriter().add_u32("", 1).bytes()), HasSubstr("key of 0 bytes"));
}

TEST(Gguf, refuses_alignments_that_are_no_power_of_two) {
  for (const std::uint32_t alignment : {0u, 3u, 33u, 1u << 25, ~0u}) {
    GgufWriter w;
    w.add_u32("general.alignment", alignment).add_tensor_f32("t", {1}, {1});
    EXPECT_THAT(error_of(w.bytes()), HasSubstr("general.alignment is " + std::to_string(alignment)));
  }
  EXPECT_THAT(error_of(GgufWriter().add_u64("general.alignment", 32).bytes()), HasSubstr("not uint32"));
}

// CVE-2024-21802, CVE-2025-53630, CVE-2026-27940, CVE-2026-33298: shapes whose products wrap around.
TEST(Gguf, refuses_shapes_and_sizes_that_overflow_or_leave_the_file) {
  const auto error_of_shape = [](std::uint32_t type, const std::vector<std::uint64_t>& ne) {
    GgufWriter w;
    w.add_tensor("t", type, ne, "data");
    return error_of(w.bytes());
  };
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  EXPECT_THAT(error_of_shape(0, {kMax}), HasSubstr("more elements than can be counted"));
  EXPECT_THAT(error_of_shape(0, {1ull << 32, 1ull << 32}), HasSubstr("more elements"));
  EXPECT_THAT(error_of_shape(0, {1ull << 21, 1ull << 21, 1ull << 21, 2}), HasSubstr("more elements"));
  EXPECT_THAT(error_of_shape(0, {1ull << 62}), HasSubstr("more bytes than can be counted"));
  EXPECT_THAT(error_of_shape(12, {1ull << 62}), HasSubstr("the file has"));
  EXPECT_THAT(error_of_shape(0, {4, 0}), HasSubstr("dimension 1 is 0"));
  EXPECT_THAT(error_of_shape(0, {2}), HasSubstr("needs 8 bytes"));
  EXPECT_THAT(error_of_shape(0, {1, 1, 1, 1, 1}), HasSubstr("5 dimensions"));
  EXPECT_THAT(error_of_shape(12, {96}), HasSubstr("Q4_K needs a multiple of 256"));
}

TEST(Gguf, refuses_offsets_that_are_misaligned_or_outside) {
  GgufWriter w;
  w.add_tensor_f32("t", {2}, {1, 2});
  const auto good = w.bytes();
  ASSERT_TRUE(parse(good));
  const std::size_t offset_at = 24 + 8 + 1 + 4 + 8 + 4;  // header, name, n_dims, ne, type
  for (const auto& [offset, message] : std::vector<std::pair<std::uint64_t, std::string>>{{4, "not a multiple of the alignment 32"},
                                                                                          {32, "needs 8 bytes at offset 32"},
                                                                                          {~std::uint64_t{31}, "the file has"},
                                                                                          {1ull << 63, "the file has"}}) {
    auto bytes = good;
    poke(bytes, offset_at, offset);
    EXPECT_THAT(error_of(bytes), HasSubstr(message));
  }
}

TEST(Gguf, lists_a_tensor_of_unknown_type_and_refuses_only_its_use) {
  GgufWriter w;
  w.add("general.architecture", "llama").add_tensor("strange", 57, {7}, "data");
  const Loaded loaded(w);
  ASSERT_TRUE(loaded.file) << loaded.file.error().message;
  EXPECT_EQ(loaded.file->tensors()[0].type_name(), "unknown (57)");
  EXPECT_TRUE(loaded.file->tensors()[0].bytes.empty());
  const auto tensor = loaded.file->tensor("strange");
  ASSERT_FALSE(tensor);
  EXPECT_EQ(tensor.error().code, errc::unsupported);
  EXPECT_THAT(tensor.error().message, HasSubstr("tensor 'strange' has type id 57"));
}

TEST(Gguf, keeps_hostile_names_out_of_the_terminal) {
  GgufWriter w;
  w.add_raw("\x1b[2J" + std::string(1000, 'x'), 99, "");
  const auto message = error_of(w.bytes());
  EXPECT_EQ(message.find('\x1b'), message.npos);
  EXPECT_LT(message.size(), 300u);
}

// ggml's quantisation sizes as the gguf package states them: (elements, bytes) a block.
TEST(TensorType, has_the_block_sizes_of_ggml) {
  struct Known {
    std::uint32_t id, elements, bytes;
    std::string_view name;
  };
  for (const auto& known :
       {Known{0, 1, 4, "F32"}, Known{1, 1, 2, "F16"}, Known{2, 32, 18, "Q4_0"}, Known{8, 32, 34, "Q8_0"}, Known{10, 256, 84, "Q2_K"},
        Known{11, 256, 110, "Q3_K"}, Known{12, 256, 144, "Q4_K"}, Known{13, 256, 176, "Q5_K"}, Known{14, 256, 210, "Q6_K"},
        Known{20, 32, 18, "IQ4_NL"}, Known{23, 256, 136, "IQ4_XS"}, Known{30, 1, 2, "BF16"}, Known{39, 32, 17, "MXFP4"}}) {
    const auto* type = find_tensor_type(known.id);
    ASSERT_TRUE(type) << known.id;
    EXPECT_EQ(type->name, known.name);
    EXPECT_EQ(type->block_elements, known.elements);
    EXPECT_EQ(type->block_bytes, known.bytes);
  }
  EXPECT_EQ(find_tensor_type(4), nullptr) << "withdrawn";
  EXPECT_EQ(find_tensor_type(1000), nullptr);
  for (const auto& type : all_tensor_types()) EXPECT_EQ(find_tensor_type(type.id), &type) << "the table is not sorted";
}

}  // namespace
}  // namespace baton::llm
