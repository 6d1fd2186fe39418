#pragma once

#include <string_view>

#include "adapters/openmrs/fhir/facts.h"
#include "adapters/openmrs/fhir/json_out.h"
#include "adapters/openmrs/fhir/json_tape.h"
#include "adapters/openmrs/fhir/zone.h"

/// A column's text as value[x] of an extension. Every form says by itself how it is read back, so that reading needs
/// neither the sender's schema nor its time zone: of a dateTime the wall clock is the truth, the offset is dropped.
namespace omrsync::openmrs::fhir {

/// {"url":…,"value[x]":…}
void write_cell(JsonOut& json, std::string_view url_head, std::string_view url_tail, Form form, std::string_view target,
                std::string_view text, const Zone& zone);

/// A name or key of any bytes.
void write_name(JsonOut& json, std::string_view url, std::string_view name);

/// "2024-03-05T10:15:00+03:00" for "2024-03-05 10:15:00"; false, with nothing appended, when that cannot be.
bool append_date_time(std::string& out, std::string_view text, const Zone& zone, std::string_view fraction = {});

/// The wall clock of a FHIR dateTime; empty when it is none with seconds and offset, with `fraction` between them.
[[nodiscard]] std::string_view wall_clock_of(JsonView value, std::string_view fraction = {});

/// The text of an extension's value. fhir_malformed where it is none of the forms above.
[[nodiscard]] Result<std::string_view> read_cell(JsonView extension);

/// The one member of an extension that starts with "value".
[[nodiscard]] std::optional<JsonMember> value_of(JsonView extension) noexcept;

[[nodiscard]] Error malformed(std::string_view place, std::string_view what);

}  // namespace omrsync::openmrs::fhir
