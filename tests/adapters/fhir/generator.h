#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "adapters/openmrs/model.h"
#include "protocol/state.h"

namespace omrsync::openmrs {

struct Sample {
  RootKey root;
  std::map<GroupName, GroupValue> groups;
};

/// Makes roots from a seed: ordinary ones, and with `nasty` above 0 (of 100) what old databases and hostile nodes hold.
class Generator {
 public:
  Generator(const Model& model, std::uint64_t seed, unsigned nasty);

  /// A whole root of that table, with owned rows.
  Sample whole(const std::string& table);
  /// Some of its groups only.
  Sample fragment(const std::string& table);
  std::string uuid();
  std::string text();
  unsigned below(unsigned end) { return static_cast<unsigned>(random_() % end); }

 private:
  bool chance(unsigned percent) { return below(100) < percent; }
  std::string cell(const std::string& table, const Column& column, const std::string& key);
  std::string plain_cell(const std::string& table, const Column& column, const std::string& key);
  std::string nasty_cell();
  std::string date();
  std::string date_time();
  void add_row(Sample& sample, const TablePart& part, const std::string& prefix, const std::string& key);
  void add_strange_groups(Sample& sample);

  const Model& model_;
  std::mt19937_64 random_;
  unsigned nasty_;
};

}  // namespace omrsync::openmrs
