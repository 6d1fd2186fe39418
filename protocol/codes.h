#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace omrsync {

/// Every failure a person can meet, by a stable number shown as `SYNC-nnnn`. Numbers are never given again.
/// 10xx network, 11xx TLS, certificates and clock, 12xx database, 13xx capture, 14xx host and disk, 20xx protocol,
/// 21xx FHIR structure, 22xx references, 23xx grants, 24xx limits, 30xx applying, 31xx mapping, 32xx conflicts,
/// 40xx USB, 50xx audit and integrity, 60xx configuration and usage, 90xx defects.
/// The one list is in codes.cpp: add a line there and its enumerator here.
enum class Code : std::uint16_t {
  line_unreachable = 1001,
  line_cut = 1002,
  line_foreign_answer = 1003,
  line_busy = 1004,
  line_resting = 1005,
  tls_refused = 1101,
  tls_identity_mismatch = 1102,
  certificate_expired = 1103,
  certificate_revoked = 1104,
  clock_off = 1105,
  certificate_replaced = 1106,
  authority_mismatch = 1107,
  db_unreachable = 1201,
  db_refused = 1202,
  db_connection_lost = 1203,
  db_lock_busy = 1204,
  db_constraint = 1205,
  db_in_doubt = 1206,
  db_setting_wrong = 1207,
  db_privilege_missing = 1208,
  capture_log_purged = 1301,
  capture_log_broken = 1302,
  capture_unsupported_row_image = 1303,
  capture_position_foreign = 1304,
  capture_schema_changed = 1305,
  disk_full = 1401,
  disk_read_only = 1402,
  store_busy = 1403,
  store_damaged = 1404,
  store_newer = 1405,
  node_locked = 1406,
  file_unreadable = 1407,
  wire_malformed = 2001,
  wire_version_unknown = 2002,
  wire_digest_mismatch = 2003,
  wire_gap = 2004,
  incarnation_refused = 2010,
  wire_life_over = 2011,
  fhir_malformed = 2101,
  fhir_type_unknown = 2102,
  fhir_unknown_modifier = 2107,
  reference_missing = 2201,
  reference_tombstone = 2202,
  node_unknown = 2301,
  node_forbidden = 2302,
  grant_missing = 2303,
  enrol_code_unknown = 2311,
  enrol_code_used = 2312,
  enrol_code_expired = 2313,
  enrol_name_mismatch = 2314,
  enrol_too_often = 2315,
  enrol_request_unsound = 2316,
  enrol_code_mistyped = 2317,
  limit_exceeded = 2401,
  apply_refused = 3001,
  apply_text_unfit = 3002,
  apply_identifier_taken = 3003,
  apply_name_taken = 3004,
  mapping_unknown_table = 3101,
  mapping_alias_unsure = 3102,
  mapping_unknown_column = 3103,
  mapping_bad_uuid = 3104,
  conflict_open = 3201,
  conflict_decided = 3202,
  conflict_moved = 3203,
  program_failed = 3204,
  decision_dropped = 3205,
  usb_nothing = 4001,
  usb_incomplete = 4002,
  usb_altered = 4003,
  usb_volume_damaged = 4004,
  usb_volume_missing = 4005,
  usb_not_for_us = 4006,
  usb_sender_refused = 4007,
  usb_gap = 4008,
  usb_life_over = 4009,
  usb_chain = 4010,
  usb_version_unknown = 4011,
  usb_peer_unknown = 4012,
  usb_medium_failed = 4013,
  audit_broken = 5001,
  config_invalid = 6001,
  config_missing = 6002,
  usage = 6003,
  not_found = 6004,
  secret_readable = 6005,
  defect = 9001,
};

struct CodeEntry {
  Code code;
  std::string_view name;     ///< the enumerator
  std::string_view meaning;  ///< what happened, one sentence
  std::string_view remedy;   ///< what to do, one sentence
  bool retryable;            ///< the node tries again by itself
};

/// All codes in rising order. Feeds `help CODE` and the manual.
[[nodiscard]] std::span<const CodeEntry> all_codes() noexcept;

[[nodiscard]] const CodeEntry& describe(Code code) noexcept;

/// "SYNC-2004".
[[nodiscard]] std::string to_string(Code code);

/// The code named "SYNC-2004", "sync-2004" or "2004".
[[nodiscard]] std::optional<Code> parse_code(std::string_view text) noexcept;

}  // namespace omrsync
