#include "cli/output.h"

#include <algorithm>
#include <ostream>

namespace omrsync::cli {
namespace {

/// Columns that a terminal needs: bytes of UTF-8 that begin a character.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

void write_row(std::ostream& out, const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    if (i + 1 < cells.size()) line.append(widths[i] - width(cells[i]) + 2, ' ');
  }
  out << line << '\n';
}

}  // namespace

int exit_code_of(Code code) noexcept {
  switch (code) {
    case Code::usage:
    case Code::enrol_code_mistyped:
      return exit_code::kUsage;
    case Code::config_invalid:
    case Code::config_missing:
    case Code::secret_readable:
      return exit_code::kConfig;
    case Code::not_found:
    case Code::usb_nothing:
    case Code::node_unknown:
      return exit_code::kNotFound;
    case Code::conflict_decided:
    case Code::conflict_moved:
    case Code::node_forbidden:
    case Code::certificate_revoked:
    case Code::certificate_replaced:
    case Code::authority_mismatch:
    case Code::grant_missing:
    case Code::enrol_code_unknown:
    case Code::enrol_code_used:
    case Code::enrol_code_expired:
    case Code::enrol_name_mismatch:
    case Code::usb_not_for_us:
    case Code::usb_sender_refused:
    case Code::usb_life_over:
    case Code::usb_version_unknown:
      return exit_code::kNotAllowed;
    case Code::node_locked:
    case Code::store_busy:
      return exit_code::kLocked;
    case Code::audit_broken:
    case Code::usb_incomplete:
    case Code::usb_altered:
    case Code::usb_volume_damaged:
    case Code::usb_volume_missing:
    case Code::usb_chain:
    case Code::wire_digest_mismatch:
    case Code::store_damaged:
      return exit_code::kIntegrity;
    case Code::wire_gap:
    case Code::usb_gap:
      return exit_code::kGap;
    default:
      return describe(code).retryable ? exit_code::kTemporary : exit_code::kFailed;
  }
}

void Output::object(const Json& value) {
  if (json_) results_ << to_string(value) << '\n';
}

void Output::line(std::string_view text) {
  if (!json_) results_ << text << '\n';
}

void Output::table(const std::vector<std::string>& headings, const std::vector<std::vector<std::string>>& rows,
                   std::string_view when_empty) {
  if (json_) return;
  if (rows.empty()) {
    say(when_empty);
    return;
  }
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < headings.size(); ++i) {
    widths.push_back(width(headings[i]));
    for (const auto& row : rows) widths[i] = std::max(widths[i], width(row[i]));
  }
  write_row(results_, headings, widths);
  for (const auto& row : rows) write_row(results_, row, widths);
}

void Output::say(std::string_view text) {
  if (!quiet_) talk_ << text << '\n';
}

int Output::failure(const Error& error, int code) {
  const CodeEntry& entry = describe(error.code);
  results_.flush();
  if (json_) {
    Json line;
    line.set("message_type", "exit_error").set("code", to_string(error.code)).set("exit", code);
    line.set("message", error.message).set("remedy", entry.remedy).set("retryable", entry.retryable);
    talk_ << to_string(line) << '\n';
  } else {
    talk_ << "omrsync: " << error.message << '\n' << entry.remedy << " (" << to_string(error.code) << ")\n";
  }
  talk_.flush();
  return code;
}

}  // namespace omrsync::cli
