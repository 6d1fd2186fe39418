#include "adapters/system/local_time.h"

#include <date/tz.h>

#include <exception>

namespace omrsync::system {

Result<unsigned> minute_of_week(const std::string& zone, std::chrono::milliseconds utc) {
  try {
    const date::sys_time<std::chrono::milliseconds> instant(utc);
    const auto local = date::locate_zone(zone)->to_local(instant);
    const auto day = date::floor<date::days>(local);
    const auto minute = date::floor<std::chrono::minutes>(local - day).count();
    const unsigned weekday = (date::weekday(day) - date::Monday).count();
    return weekday * 24 * 60 + static_cast<unsigned>(minute);
  } catch (const std::exception&) {
    return Error{Remedy::stop_node, Code::config_invalid, "The time zone " + zone + " is not known on this machine."};
  }
}

}  // namespace omrsync::system
