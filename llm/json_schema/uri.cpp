#include "uri.h"

#include <algorithm>
#include <cctype>

namespace baton::llm {
namespace {

// scheme:, //authority, path, ?query and #fragment, each with its delimiter; or empty.
struct Parts {
  std::string_view scheme, authority, path, query, fragment;
};

Parts split(std::string_view text) {
  Parts parts;
  const auto cut = [&](std::size_t at) {
    const std::string_view first = text.substr(0, at);
    text.remove_prefix(first.size());
    return first;
  };
  const auto colon = text.find_first_of(":/?#");
  const bool named =
      colon != std::string_view::npos && text[colon] == ':' && colon > 0 && std::isalpha(static_cast<unsigned char>(text[0]));
  if (named) parts.scheme = cut(colon + 1);
  if (text.starts_with("//")) parts.authority = cut(std::min(text.find_first_of("/?#", 2), text.size()));
  parts.path = cut(std::min(text.find_first_of("?#"), text.size()));
  parts.query = cut(std::min(text.find('#'), text.size()));
  parts.fragment = text;
  return parts;
}

std::string without_dots(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view step = path.substr(0, end);
    path.remove_prefix(end);
    if (step == "/.." || step == "/.") {
      if (step == "/..") out.erase(std::min(out.rfind('/'), out.size()));
      if (path.empty()) out += '/';
    } else {
      out += step;
    }
  }
  return out;
}

template <class... Text>
std::string joined(Text... text) {
  std::string out;
  (out.append(text), ...);
  return out;
}

}  // namespace

std::string resolve_uri(std::string_view base_text, std::string_view reference) {
  const Parts to = split(reference), base = split(base_text);
  if (base_text.empty() || !to.scheme.empty()) return std::string(reference);
  if (!to.authority.empty()) return joined(base.scheme, reference);
  if (to.path.empty()) return joined(base.scheme, base.authority, base.path, to.query.empty() ? base.query : to.query, to.fragment);
  std::string path(to.path);
  if (!path.starts_with('/')) {
    const bool under_host = !base.authority.empty() && base.path.empty();
    path = joined(under_host ? std::string_view("/") : base.path.substr(0, base.path.rfind('/') + 1), to.path);
  }
  return joined(base.scheme, base.authority, std::string_view(without_dots(path)), to.query, to.fragment);
}

std::string percent_decoded(std::string_view text) {
  const auto nibble = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? nibble(text[i + 1]) : -1;
    const int low = high >= 0 ? nibble(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace baton::llm
