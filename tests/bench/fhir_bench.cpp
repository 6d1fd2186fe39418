// How fast obs become FHIR and come back, and what they weigh on the wire. Prints one JSON line a figure.
#include <zstd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "adapters/openmrs/fhir/codec.h"
#include "protocol/cells.h"
#include "tests/support/openmrs_shape.h"

namespace {

using namespace omrsync;
using namespace omrsync::openmrs;

struct Body {
  RootKey root;
  std::map<GroupName, GroupValue> groups;
};

/// Encounters of a dozen obs each, as a clinic's forms make them: few users, places and concepts.
class Clinic {
 public:
  explicit Clinic(bool with_ranges) : with_ranges_(with_ranges) {
    for (int at = 0; at < 6; ++at) users_.push_back(uuid()), places_.push_back(uuid());
    for (int at = 0; at < 60; ++at) concepts_.push_back(std::to_string(1000 + at * 37) + std::string(32, 'A'));
  }

  std::vector<Body> obs(std::size_t count) {
    std::vector<Body> bodies;
    while (bodies.size() < count) add_encounter(bodies, count);
    return bodies;
  }

 private:
  std::size_t below(std::size_t end) { return random_() % end; }

  std::string uuid() {
    char text[40];
    std::snprintf(text, sizeof text, "%08llx-%04llx-4%03llx-a%03llx-%012llx", random_() & 0xFFFFFFFFULL,
                  random_() & 0xFFFFULL, random_() & 0xFFFULL, random_() & 0xFFFULL, random_() & 0xFFFFFFFFFFFFULL);
    return text;
  }

  std::string time() {
    char text[24];
    std::snprintf(text, sizeof text, "2024-%02zu-%02zu %02zu:%02zu:%02zu", 1 + below(12), 1 + below(28), 7 + below(10),
                  below(60), below(60));
    return text;
  }

  void add_encounter(std::vector<Body>& bodies, std::size_t count) {
    const std::string encounter = uuid();
    const std::string person = uuid();
    const std::string user = users_[below(6)];
    const std::string place = places_[below(6)];
    const std::string when = time();
    const std::string created = when.substr(0, 17) + "59";
    std::string parent;
    for (int at = 0; at < 12 && bodies.size() < count; ++at) {
      std::map<std::string, std::string> cells = {{"concept_id", concepts_[below(60)]},
                                                  {"creator", user},
                                                  {"date_created", created},
                                                  {"encounter_id", encounter},
                                                  {"location_id", place},
                                                  {"obs_datetime", when},
                                                  {"person_id", person},
                                                  {"status", "FINAL"}};
      Body body{{"obs", uuid()}, {}};
      if (at == 8) parent = body.root.key;
      add_value(at, parent, cells, body);
      std::vector<NamedCell> named;
      for (const auto& [column, text] : cells) named.push_back({column, text});
      body.groups["obs"] = encode_cells(named);
      body.groups["life"] = encode_cells({{"voided", "0"}});
      bodies.push_back(std::move(body));
    }
  }

  void add_value(int at, const std::string& parent, std::map<std::string, std::string>& cells, Body& body) {
    if (at < 6) {
      cells["value_numeric"] = std::to_string(30 + below(150)) + (below(2) ? "." + std::to_string(1 + below(9)) : "");
      if (!with_ranges_) return;
      body.groups["obs_reference_range"] = encode_cells({{"hi_absolute", "250"},
                                                         {"hi_normal", "37.5"},
                                                         {"low_absolute", "0"},
                                                         {"low_normal", "36"},
                                                         {"uuid", uuid()}});
    } else if (at == 8) {
      cells["form_namespace_and_path"] = "HtmlFormEntry^VisitNote.2.0/8-0";
    } else if (at == 11) {
      cells["value_text"] = "seen at home, " + std::to_string(below(1000));
    } else {
      cells["value_coded"] = concepts_[below(60)];
      if (at > 8) cells["obs_group_id"] = parent;
    }
  }

  bool with_ranges_;
  std::mt19937_64 random_{42};
  std::vector<std::string> users_, places_, concepts_;
};

/// Of this process's own computing, so that a busy machine does not matter.
double seconds_since(std::clock_t start) { return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC; }

std::size_t compressed(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  return ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3);
}

void measure_size(const FhirCodec& codec, const std::vector<Body>& bodies, std::size_t batch, const char* what) {
  std::size_t raw = 0;
  std::size_t small = 0;
  for (std::size_t from = 0; from + batch <= bodies.size(); from += batch) {
    std::string text;
    for (std::size_t at = from; at < from + batch; ++at)
      if (!codec.encode(bodies[at].root, bodies[at].groups, text)) std::abort();
    raw += text.size();
    small += compressed(text);
  }
  const double count = static_cast<double>(bodies.size() / batch * batch);
  std::printf(R"({"bench":"fhir","what":"%s","batch":%zu,"bytes_per_obs":%.1f,"zstd3_bytes_per_obs":%.1f})"
              "\n",
              what, batch, static_cast<double>(raw) / count, static_cast<double>(small) / count);
}

void measure_speed(const FhirCodec& codec, const std::vector<Body>& bodies, const char* what) {
  std::vector<std::string> texts(bodies.size());
  const auto start = std::clock();
  for (std::size_t at = 0; at < bodies.size(); ++at)
    if (!codec.encode(bodies[at].root, bodies[at].groups, texts[at])) std::abort();
  const double encoding = seconds_since(start);
  const auto middle = std::clock();
  for (std::size_t at = 0; at < bodies.size(); ++at)
    if (!codec.decode(bodies[at].root, texts[at])) std::abort();
  const double decoding = seconds_since(middle);
  const auto count = static_cast<double>(bodies.size());
  std::printf(R"({"bench":"fhir","what":"%s","encode_per_s":%.0f,"decode_per_s":%.0f})"
              "\n",
              what, count / encoding, count / decoding);
}

}  // namespace

/// `fhir_bench [obs]`
int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 100'000;
  const auto model = std::make_shared<const Model>(std::move(compile_model(tests::openmrs_schema())).value());
  const auto codec = std::move(FhirCodec::create(model, SiteSettings{"Africa/Nairobi"})).value();
  for (const bool with_ranges : {false, true}) {
    const char* what = with_ranges ? "obs, half with a reference range" : "obs";
    const std::vector<Body> bodies = Clinic(with_ranges).obs(count);
    for (const std::size_t batch : {1U, 10U, 100U, 1000U}) measure_size(*codec, bodies, batch, what);
    for (int round = 0; round < 3; ++round) measure_speed(*codec, bodies, what);
  }
}
