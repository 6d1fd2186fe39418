#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// FHIR's primitive types as predicates over text, and the two re-writings that lose nothing.
namespace omrsync::openmrs::fhir {

/// Valid UTF-8, not empty, not white space alone, no control characters but tab, CR and LF, at most 1 MiB.
[[nodiscard]] bool is_fhir_string(std::string_view text) noexcept;

/// One token, or several with single blanks between them; printable ASCII only, so that no receiver trims it.
[[nodiscard]] bool is_fhir_code(std::string_view text) noexcept;

/// [A-Za-z0-9\-.]{1,64}
[[nodiscard]] bool is_fhir_id(std::string_view text) noexcept;

/// A canonical integer within 32 bits.
[[nodiscard]] bool is_fhir_integer(std::string_view text) noexcept;

/// A JSON number that every reader takes: at most 64 characters, exponent within what a double can hold.
[[nodiscard]] bool is_fhir_decimal(std::string_view text) noexcept;

/// "hh:mm:ss", "hh:mm:ss.ffffff" within one day.
[[nodiscard]] bool is_fhir_time(std::string_view text) noexcept;

/// "YYYY-MM-DD" of a day that exists, from year 1.
[[nodiscard]] bool is_fhir_date(std::string_view text) noexcept;

/// Seconds since 1970 of the wall clock "YYYY-MM-DD hh:mm:ss" (with up to six digits of fraction), as if it were UTC.
/// Nothing when there is no such day or time.
[[nodiscard]] std::optional<std::int64_t> wall_clock_seconds(std::string_view text) noexcept;

void append_base64(std::string& out, std::string_view bytes);

/// Decodes to `bytes`, which has room for as many as `text` has; their number, or nothing when the text is no canonical
/// base64.
[[nodiscard]] std::optional<std::size_t> decode_base64(std::string_view text, char* bytes) noexcept;

}  // namespace omrsync::openmrs::fhir
