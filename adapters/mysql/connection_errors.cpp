#include <array>

#include "adapters/mysql/connection.h"

namespace omrsync::mysql {
namespace {

struct NumberMeaning {
  unsigned number;
  Remedy remedy;
  Code code;
};

constexpr std::array kMeanings = {
    NumberMeaning{1020, Remedy::retry_later, Code::db_lock_busy},  // changed since the snapshot
    NumberMeaning{1205, Remedy::retry_later, Code::db_lock_busy},
    NumberMeaning{1213, Remedy::retry_later, Code::db_lock_busy},
    NumberMeaning{3572, Remedy::retry_later, Code::db_lock_busy},  // NOWAIT
    NumberMeaning{1040, Remedy::retry_later, Code::db_unreachable},
    NumberMeaning{1129, Remedy::retry_later, Code::db_unreachable},
    NumberMeaning{1130, Remedy::retry_later, Code::db_privilege_missing},
    NumberMeaning{2002, Remedy::retry_later, Code::db_unreachable},
    NumberMeaning{2003, Remedy::retry_later, Code::db_unreachable},
    NumberMeaning{2005, Remedy::retry_later, Code::db_unreachable},
    NumberMeaning{1053, Remedy::reconnect, Code::db_connection_lost},
    NumberMeaning{1927, Remedy::reconnect, Code::db_connection_lost},
    NumberMeaning{2006, Remedy::reconnect, Code::db_connection_lost},
    NumberMeaning{2013, Remedy::reconnect, Code::db_connection_lost},
    NumberMeaning{2014, Remedy::reconnect, Code::db_connection_lost},
    NumberMeaning{2026, Remedy::reconnect, Code::db_connection_lost},
    NumberMeaning{2027, Remedy::reconnect, Code::db_connection_lost},
    NumberMeaning{2055, Remedy::reconnect, Code::db_connection_lost},
    NumberMeaning{1044, Remedy::retry_later, Code::db_privilege_missing},
    NumberMeaning{1045, Remedy::retry_later, Code::db_privilege_missing},
    NumberMeaning{1142, Remedy::retry_later, Code::db_privilege_missing},
    NumberMeaning{1143, Remedy::retry_later, Code::db_privilege_missing},
    NumberMeaning{1227, Remedy::retry_later, Code::db_privilege_missing},
    NumberMeaning{1370, Remedy::retry_later, Code::db_privilege_missing},
    NumberMeaning{1698, Remedy::retry_later, Code::db_privilege_missing},
    NumberMeaning{1264, Remedy::set_aside, Code::db_constraint},
    NumberMeaning{1265, Remedy::set_aside, Code::db_constraint},
    NumberMeaning{1292, Remedy::set_aside, Code::db_constraint},
    NumberMeaning{1364, Remedy::set_aside, Code::db_constraint},
    NumberMeaning{1366, Remedy::set_aside, Code::apply_text_unfit},
    NumberMeaning{1406, Remedy::set_aside, Code::db_constraint},
    NumberMeaning{1690, Remedy::set_aside, Code::db_constraint},
};

NumberMeaning meaning_of(unsigned number, std::string_view sqlstate) {
  for (const NumberMeaning& meaning : kMeanings)
    if (meaning.number == number) return meaning;
  if (sqlstate.starts_with("22") || sqlstate.starts_with("23")) return {number, Remedy::set_aside, Code::db_constraint};
  if (sqlstate.starts_with("42")) return {number, Remedy::set_aside, Code::db_refused};
  return {number, Remedy::retry_later, Code::db_refused};
}

std::string sentence(Code code) {
  switch (code) {
    case Code::db_unreachable:
      return "the database cannot be reached";
    case Code::db_connection_lost:
      return "the connection to the database was lost";
    case Code::db_lock_busy:
      return "a row is locked by somebody else";
    case Code::db_privilege_missing:
      return "the database account lacks a privilege";
    case Code::tls_refused:
      return "the database's certificate was not accepted";
    case Code::apply_text_unfit:
      return "the database cannot hold a value in its column";
    default:
      return "the database refused a statement";
  }
}

}  // namespace

Error error_from_number(unsigned number, std::string_view sqlstate, bool connecting) {
  NumberMeaning meaning = meaning_of(number, sqlstate);
  if (connecting) {
    if (number == 2026)
      meaning.code = Code::tls_refused;
    else if (meaning.code == Code::db_connection_lost)
      meaning.code = Code::db_unreachable;
    meaning.remedy = Remedy::retry_later;
  }
  std::string message = sentence(meaning.code) + " (" + std::to_string(number);
  if (!sqlstate.empty()) message.append(", ").append(sqlstate);
  return {meaning.remedy, meaning.code, message + ")"};
}

}  // namespace omrsync::mysql
