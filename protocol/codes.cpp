#include "protocol/codes.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace omrsync {
namespace {

constexpr std::array kCodes = {
    CodeEntry{Code::line_unreachable, "line_unreachable", "The other node cannot be reached.",
              "Check the line, the address in [parent] url and the firewall; the node tries again by itself.", true},
    CodeEntry{Code::line_cut, "line_cut", "The connection broke before the answer was complete.",
              "Nothing to do: the same batch is sent again.", true},
    CodeEntry{Code::line_foreign_answer, "line_foreign_answer",
              "Something answered that is not an omrsync node (a proxy, a login page or a wrong address).",
              "Check [parent] url and whether a captive portal or proxy stands in between.", true},
    CodeEntry{Code::line_busy, "line_busy", "The other node asked to come back later.",
              "Nothing to do: the node waits as asked.", true},
    CodeEntry{Code::line_resting, "line_resting", "The line may not be used at this hour.",
              "Nothing to do: it goes on when [parent] window opens.", true},
    CodeEntry{Code::tls_refused, "tls_refused", "The TLS handshake failed.",
              "Check the certificates with 'omrsync doctor'; a card of another parent is refused.", true},
    CodeEntry{Code::tls_identity_mismatch, "tls_identity_mismatch",
              "The certificate does not belong to the node that the request names.",
              "Use the card that was made for this node; a copied state folder needs a card of its own.", false},
    CodeEntry{Code::certificate_expired, "certificate_expired", "A certificate has expired or is not yet valid.",
              "Check the clock of this machine, then renew the card at the parent.", false},
    CodeEntry{Code::certificate_revoked, "certificate_revoked", "The certificate was revoked at the parent.",
              "Ask the parent's administrator for a new card.", false},
    CodeEntry{Code::clock_off, "clock_off", "The clock of this machine differs too much from the parent's.",
              "Set the clock; nothing that was captured is lost.", true},
    CodeEntry{Code::db_unreachable, "db_unreachable", "The OpenMRS database cannot be reached.",
              "Start the database or correct [openmrs] host, port or socket; the node waits.", true},
    CodeEntry{Code::db_refused, "db_refused", "The database refused a statement.",
              "Look at the named SQLSTATE and at 'omrsync doctor'.", true},
    CodeEntry{Code::db_connection_lost, "db_connection_lost", "The connection to the database was lost.",
              "Nothing to do: the node connects again.", true},
    CodeEntry{Code::db_lock_busy, "db_lock_busy", "A row is locked by somebody else.",
              "Nothing to do: the change is applied when the lock is gone.", true},
    CodeEntry{Code::db_constraint, "db_constraint", "The database refused a row because of a constraint.",
              "See 'omrsync queue show'; correct the row that stands in the way, then 'omrsync queue retry'.", false},
    CodeEntry{Code::db_in_doubt, "db_in_doubt", "The connection was lost during a commit; it may have happened.",
              "Nothing to do: the marker in the log tells whether it did.", true},
    CodeEntry{Code::db_setting_wrong, "db_setting_wrong", "A setting of the database server does not allow capture.",
              "Set what 'omrsync doctor' names in the server's configuration and restart the server.", false},
    CodeEntry{Code::db_privilege_missing, "db_privilege_missing", "The database account lacks a privilege.",
              "Run the SQL that 'omrsync db grants --print' lists.", false},
    CodeEntry{Code::capture_log_purged, "capture_log_purged",
              "The database has removed log files that were not yet read.",
              "Nothing to do: the tables are compared with the ledger; keep at least a month of logs.", true},
    CodeEntry{Code::capture_log_broken, "capture_log_broken",
              "The database's log cannot be read at the stored position.",
              "See 'omrsync doctor'; the tables are compared with the ledger.", true},
    CodeEntry{Code::capture_unsupported_row_image, "capture_unsupported_row_image",
              "A row event does not carry the full row.",
              "Set binlog_row_image=FULL; the table is compared with the ledger.", true},
    CodeEntry{Code::capture_position_foreign, "capture_position_foreign",
              "The database is not the one that was read before (restored, copied or replaced).",
              "Nothing to do: the node takes a new incarnation and compares every row.", true},
    CodeEntry{Code::capture_schema_changed, "capture_schema_changed",
              "A table changed its shape while its rows were read.", "Nothing to do: the schema is read again.", true},
    CodeEntry{Code::disk_full, "disk_full", "The disk is full or below its floor.",
              "Free space on the disk of state_dir; capture goes on by itself.", true},
    CodeEntry{Code::disk_read_only, "disk_read_only", "The disk is read-only.",
              "Check the disk (it may be failing), remount it, then start the node again.", false},
    CodeEntry{Code::store_busy, "store_busy", "The node's store is in use by another process.",
              "Wait, or end the other process.", true},
    CodeEntry{Code::store_damaged, "store_damaged", "The node's store is damaged.",
              "Keep a copy of state_dir, restore it from a backup or start with an empty one: every row is then loaded "
              "again.",
              false},
    CodeEntry{Code::store_newer, "store_newer", "The node's store was written by a newer version of omrsync.",
              "Install the newer version again.", false},
    CodeEntry{Code::node_locked, "node_locked", "Another omrsync process holds this node's state folder.",
              "Use the running one, or stop it first.", true},
    CodeEntry{Code::file_unreadable, "file_unreadable", "A file cannot be read or written.",
              "Check that it exists and who may read it.", false},
    CodeEntry{Code::wire_malformed, "wire_malformed", "What arrived is not a well-formed batch.",
              "Nothing was taken; if it repeats, compare the versions of both nodes.", true},
    CodeEntry{Code::wire_version_unknown, "wire_version_unknown",
              "The other node speaks a protocol version this one does not know.", "Upgrade the older node.", false},
    CodeEntry{Code::wire_digest_mismatch, "wire_digest_mismatch", "What arrived was altered or torn on the way.",
              "Nothing was taken; the sender sends it again.", true},
    CodeEntry{Code::wire_gap, "wire_gap", "Change sets are missing before the one that arrived.",
              "Nothing to do: the sender goes back to the first missing one.", true},
    CodeEntry{Code::incarnation_refused, "incarnation_refused",
              "The node's numbering is not the one known here: its store was restored or copied.",
              "Nothing was taken; the node takes a new incarnation and offers everything again.", true},
    CodeEntry{Code::wire_life_over, "wire_life_over", "The other side speaks in another life of this link.",
              "Nothing to do: the nodes greet each other again and offer everything anew.", true},
    CodeEntry{Code::fhir_malformed, "fhir_malformed", "A resource is not well-formed FHIR JSON.",
              "See 'omrsync queue show'; upgrade the sender or discard the change set.", false},
    CodeEntry{Code::fhir_type_unknown, "fhir_type_unknown", "A resource has a type that this node cannot apply.",
              "Upgrade this node, then 'omrsync queue retry'.", false},
    CodeEntry{Code::fhir_unknown_modifier, "fhir_unknown_modifier",
              "A resource carries a modifier extension that this node does not know.",
              "Upgrade this node, then 'omrsync queue retry'.", false},
    CodeEntry{Code::reference_missing, "reference_missing", "The change refers to something that has not arrived yet.",
              "Nothing to do: it is applied when its target arrives.", true},
    CodeEntry{Code::reference_tombstone, "reference_tombstone", "The change refers to something that was purged.",
              "The sender is asked for the target once; decide with 'omrsync conflict ls'.", true},
    CodeEntry{Code::node_unknown, "node_unknown", "The node is not known here.",
              "Add it at the parent with 'omrsync node add'.", false},
    CodeEntry{Code::node_forbidden, "node_forbidden", "The node may not do this.",
              "Ask the parent's administrator; see 'omrsync node show'.", false},
    CodeEntry{Code::limit_exceeded, "limit_exceeded", "A request is larger than the limits allow.",
              "Nothing was taken; the sender halves its batch.", true},
    CodeEntry{Code::apply_refused, "apply_refused", "The change cannot be applied to the OpenMRS database.",
              "See the reason in 'omrsync queue show', remove the cause, then 'omrsync queue retry'.", false},
    CodeEntry{Code::apply_text_unfit, "apply_text_unfit",
              "A text has characters that this database's character set cannot hold.",
              "Convert the database to utf8mb4, then 'omrsync queue retry --code SYNC-3002'.", false},
    CodeEntry{
        Code::apply_identifier_taken, "apply_identifier_taken", "An identifier is already used by another record.",
        "Both are kept; the log names them (apply.identifier_taken): give one of them another identifier in OpenMRS.",
        false},
    CodeEntry{Code::apply_name_taken, "apply_name_taken", "A unique name is already used by another record.",
              "Rename one of the two, then 'omrsync queue retry'.", false},
    CodeEntry{Code::mapping_unknown_table, "mapping_unknown_table",
              "The change is about a table that this database does not have.",
              "Install the module that makes the table, then 'omrsync queue retry'.", false},
    CodeEntry{Code::mapping_alias_unsure, "mapping_alias_unsure",
              "A record of the same name but of another kind is already here.",
              "Compare the two, rename one of them, then 'omrsync queue retry'.", false},
    CodeEntry{Code::mapping_unknown_column, "mapping_unknown_column",
              "The change has a column that this database does not have.",
              "The value is kept and travels on; upgrade OpenMRS to show it.", false},
    CodeEntry{Code::mapping_bad_uuid, "mapping_bad_uuid", "A row has no usable uuid (missing, repeated or not ASCII).",
              "Give the row a uuid of its own; everything else goes on.", false},
    CodeEntry{Code::conflict_open, "conflict_open",
              "Two different values were written to the same field without knowledge of each other.",
              "Decide with 'omrsync conflict ls' and 'omrsync conflict resolve'.", false},
    CodeEntry{Code::conflict_decided, "conflict_decided", "The conflict is decided already.",
              "Look at it with 'omrsync conflict show'; 'omrsync conflict undo' takes the decision back.", false},
    CodeEntry{Code::conflict_moved, "conflict_moved",
              "The field was written again since the decision, by somebody who had seen it.",
              "Look at the present value first; correct it in OpenMRS.", false},
    CodeEntry{Code::program_failed, "program_failed", "The program of a conflict policy gave no usable answer.",
              "A person decides; try the program with 'omrsync policy try'.", false},
    CodeEntry{Code::decision_dropped, "decision_dropped", "A decision could not be written.",
              "Look at the conflict again: a side changed, or the value does not fit.", false},
    CodeEntry{Code::audit_broken, "audit_broken", "The audit chain does not verify.",
              "Keep a copy of the store; the first bad record is named.", false},
    CodeEntry{Code::config_invalid, "config_invalid", "The configuration has mistakes.",
              "Correct the named keys; 'omrsync config check' lists all of them.", false},
    CodeEntry{Code::config_missing, "config_missing", "There is no configuration.",
              "Run 'omrsync init' or name the file with --config.", false},
    CodeEntry{Code::usage, "usage", "The command line is not understood.", "See 'omrsync help'.", false},
    CodeEntry{Code::not_found, "not_found", "There is nothing by that name.",
              "List what there is with the command's 'ls'.", false},
    CodeEntry{Code::secret_readable, "secret_readable", "A secret file can be read by other users.",
              "chmod 0600 the file.", false},
    CodeEntry{Code::defect, "defect", "omrsync met a state that should not be possible.",
              "Please report it with the log lines around it; the node stopped before it could do harm.", false},
};

}  // namespace

std::span<const CodeEntry> all_codes() noexcept { return kCodes; }

const CodeEntry& describe(Code code) noexcept {
  const auto* found = std::find_if(kCodes.begin(), kCodes.end(), [&](const CodeEntry& e) { return e.code == code; });
  return found == kCodes.end() ? kCodes.back() : *found;
}

std::string to_string(Code code) { return "SYNC-" + std::to_string(static_cast<int>(code)); }

std::optional<Code> parse_code(std::string_view text) noexcept {
  if (text.size() > 5 && (text.starts_with("SYNC-") || text.starts_with("sync-"))) text.remove_prefix(5);
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  for (const CodeEntry& entry : kCodes)
    if (static_cast<int>(entry.code) == number) return entry.code;
  return std::nullopt;
}

}  // namespace omrsync
