#pragma once
// Runs the program in its own home.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "temporary_folder.h"
#include "tiny_model.h"
#include "tiny_vocabulary.h"

namespace baton {

using Json = nlohmann::ordered_json;

struct Output {
  int code;
  std::string text;  // stdout and stderr
};

class CliTest : public testing::Test {
 protected:
  Output baton(const std::string& arguments) { return shell(std::string(BATON_PROGRAM) + " " + arguments); }
  // Lines for sh, in which $BATON is the program.
  Output script(const std::string& lines) {
    return shell("BATON=" + std::string(BATON_PROGRAM) + " sh " + file("script.sh", "cd " + folder_.path().string() + "\n" + lines));
  }
  Output shell(const std::string& line) {
    const std::string home = folder_.path().string();
    const std::string command = "HOME=" + home + " XDG_CACHE_HOME= XDG_DATA_HOME= XDG_CONFIG_HOME= " + line + " 2>&1 </dev/null";
    FILE* pipe = popen(command.c_str(), "r");
    std::string text;
    char buffer[4096];
    for (std::size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, n);
    const int status = pclose(pipe);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text};
  }
  std::string file(const std::string& name, const std::string& content) {
    const std::string path = (folder_.path() / name).string();
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  // A model of a few thousand random weights that can chat: its answers are noise.
  std::string tiny_model(const std::string& chat_template = "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}") {
    test::TinyShape shape;
    shape.n_vocab = 258;
    test::TinyModel tiny(shape);
    test::add_byte_vocabulary(tiny.writer(), "qwen2", {}, {{"<|im_start|>", 3}, {"<|im_end|>", 3}});
    tiny.writer().add_u32("tokenizer.ggml.eos_token_id", 257).add("tokenizer.chat_template", chat_template);
    const std::string path = (folder_.path() / "tiny.gguf").string();
    EXPECT_TRUE(tiny.writer().save(path));
    return path;
  }
  void execute(const std::string& sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(journal().c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  std::string journal() const { return (folder_.path() / ".local/share/baton/journal.db").string(); }

  TemporaryFolder folder_;
};

}  // namespace baton
