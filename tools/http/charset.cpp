#include "charset.h"

#include <baton/tools/text.h>
#include <iconv.h>

#include <array>
#include <cerrno>
#include <utility>

#include "content_type.h"

namespace baton::tools {
namespace {

// Only these encodings are passed to iconv, which knows hundreds more, some of them with a history of overflows. Each label is enclosed in
// commas.
struct Encoding {
  const char* iconv_name;
  const char* labels;
};
constexpr Encoding kEncodings[] = {
    {"UTF-16LE", ",utf-16,utf-16le,unicode,ucs-2,iso-10646-ucs-2,csunicode,"},
    {"UTF-16BE", ",utf-16be,unicodefffe,"},
    {"WINDOWS-1252", ",iso-8859-1,iso8859-1,iso_8859-1,iso88591,latin1,l1,us-ascii,ascii,windows-1252,cp1252,x-cp1252,cp819,"},
    {"ISO-8859-2", ",iso-8859-2,iso8859-2,iso_8859-2,iso88592,latin2,l2,"},
    {"ISO-8859-3", ",iso-8859-3,iso8859-3,iso_8859-3,iso88593,latin3,l3,"},
    {"ISO-8859-4", ",iso-8859-4,iso8859-4,iso_8859-4,iso88594,latin4,l4,"},
    {"ISO-8859-5", ",iso-8859-5,iso8859-5,iso_8859-5,iso88595,cyrillic,"},
    {"ISO-8859-6", ",iso-8859-6,iso8859-6,iso_8859-6,iso88596,arabic,"},
    {"ISO-8859-7", ",iso-8859-7,iso8859-7,iso_8859-7,iso88597,greek,"},
    {"ISO-8859-8", ",iso-8859-8,iso8859-8,iso_8859-8,iso88598,hebrew,iso-8859-8-i,logical,"},
    {"ISO-8859-10", ",iso-8859-10,iso8859-10,iso885910,latin6,l6,"},
    {"ISO-8859-13", ",iso-8859-13,iso8859-13,iso885913,"},
    {"ISO-8859-14", ",iso-8859-14,iso8859-14,iso885914,"},
    {"ISO-8859-15", ",iso-8859-15,iso8859-15,iso_8859-15,iso885915,latin9,l9,"},
    {"ISO-8859-16", ",iso-8859-16,"},
    {"WINDOWS-1250", ",windows-1250,cp1250,x-cp1250,"},
    {"WINDOWS-1251", ",windows-1251,cp1251,x-cp1251,"},
    {"WINDOWS-1253", ",windows-1253,cp1253,x-cp1253,"},
    {"WINDOWS-1254", ",windows-1254,cp1254,x-cp1254,iso-8859-9,iso8859-9,iso_8859-9,iso88599,latin5,l5,"},
    {"WINDOWS-1255", ",windows-1255,cp1255,x-cp1255,"},
    {"WINDOWS-1256", ",windows-1256,cp1256,x-cp1256,"},
    {"WINDOWS-1257", ",windows-1257,cp1257,x-cp1257,"},
    {"WINDOWS-1258", ",windows-1258,cp1258,x-cp1258,"},
    {"CP874", ",windows-874,iso-8859-11,iso8859-11,iso885911,tis-620,dos-874,"},
    {"IBM866", ",ibm866,cp866,866,csibm866,"},
    {"KOI8-R", ",koi8-r,koi8,koi,koi8_r,cskoi8r,"},
    {"KOI8-U", ",koi8-u,koi8-ru,"},
    {"MACINTOSH", ",macintosh,mac,x-mac-roman,csmacintosh,"},
    {"GB18030", ",gb18030,gbk,gb2312,gb_2312,gb_2312-80,chinese,csgb2312,x-gbk,"},
    {"BIG5-HKSCS", ",big5,big5-hkscs,cn-big5,csbig5,x-x-big5,"},
    {"EUC-JP", ",euc-jp,x-euc-jp,cseucpkdfmtjapanese,"},
    {"CP932", ",shift_jis,shift-jis,sjis,x-sjis,windows-31j,ms_kanji,ms932,csshiftjis,"},
    {"ISO-2022-JP", ",iso-2022-jp,csiso2022jp,"},
    {"UHC", ",euc-kr,ks_c_5601-1987,ks_c_5601-1989,ksc5601,ksc_5601,korean,windows-949,cseuckr,"},
};
constexpr std::string_view kUtf8Labels = ",utf-8,utf8,unicode-1-1-utf-8,unicode11utf8,unicode20utf8,x-unicode20utf8,";

bool has(std::string_view labels, const std::string& label) {
  return !label.empty() && label.find(',') == std::string::npos && labels.find("," + label + ",") != std::string_view::npos;
}

std::string converted(std::string_view bytes, iconv_t conversion) {
  std::string text;
  std::array<char, 4096> piece;
  char* in = const_cast<char*>(bytes.data());
  std::size_t n_in = bytes.size();
  while (n_in > 0) {
    char* out = piece.data();
    std::size_t n_out = piece.size();
    const std::size_t done = iconv(conversion, &in, &n_in, &out, &n_out);
    text.append(piece.data(), piece.size() - n_out);
    if (done != static_cast<std::size_t>(-1) || errno == E2BIG) continue;
    if (errno == EINVAL) break;  // cut off at the end
    text += "\xEF\xBF\xBD";
    ++in;
    --n_in;
  }
  return text;
}

}  // namespace

std::string charset_of(std::string_view content_type) {
  const std::string lower = ascii_lower(content_type);
  for (std::size_t at = lower.find(';'); at != std::string::npos; at = lower.find(';', at + 1)) {
    std::size_t i = lower.find_first_not_of(" \t", at + 1);
    if (i == std::string::npos || lower.compare(i, 8, "charset=") != 0) continue;
    i += 8;
    const bool quoted = i < lower.size() && lower[i] == '"';
    if (quoted) ++i;
    const std::size_t end = lower.find_first_of(quoted ? "\"" : "; \t", i);
    return std::string(content_type.substr(i, end == std::string::npos ? end : end - i));
  }
  return "";
}

std::optional<std::string> to_utf8(std::string_view bytes, std::string_view charset) {
  const std::string label = ascii_lower(charset);
  // A byte order mark takes precedence over the label.
  const bool little = bytes.starts_with("\xFF\xFE"), big = bytes.starts_with("\xFE\xFF");
  if (has(kUtf8Labels, label)) return valid_utf8(std::string(bytes));
  for (const Encoding& encoding : kEncodings) {
    if (!has(encoding.labels, label)) continue;
    const bool wide = std::string_view(encoding.iconv_name).starts_with("UTF-16");
    const char* name = wide && (little || big) ? (little ? "UTF-16LE" : "UTF-16BE") : encoding.iconv_name;
    if (wide && (little || big)) bytes.remove_prefix(2);
    const iconv_t conversion = iconv_open("UTF-8", name);
    if (conversion == reinterpret_cast<iconv_t>(-1)) return std::nullopt;  // this system's C library does not have it
    std::string text = converted(bytes, conversion);
    iconv_close(conversion);
    return text;
  }
  return std::nullopt;
}

std::string body_as_utf8(std::string body, std::string_view content_type) {
  if (!content_type.empty() && !is_text_type(content_type)) return body;
  std::optional<std::string> text = to_utf8(body, charset_of(content_type));
  return text ? std::move(*text) : content_type.empty() ? body : valid_utf8(std::move(body));
}

}  // namespace baton::tools
