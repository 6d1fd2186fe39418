// omrsync_sim: random histories of a country of nodes, one thread, one seed each.
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>

#include "tests/sim/history.h"
#include "tests/sim/plants.h"

namespace {

int usage() {
  std::cerr << "usage: omrsync_sim [--seeds N] [--seed S] [--nodes N] [--acts N] [--without NAME]... [--trace "
               "TABLE/KEY] [--plant FAULT] [--with restores|repository]\n"
               "NAME: crashes, lines, between-calls, purges, forms, metadata, unequal\n";
  return 2;
}

bool without(omrsync::sim::HistoryOptions& options, const std::string& name) {
  const std::map<std::string, bool*> switches{{"crashes", &options.crashes},
                                              {"lines", &options.bad_lines},
                                              {"between-calls", &options.clinicians_between_calls},
                                              {"purges", &options.purges},
                                              {"forms", &options.stale_forms},
                                              {"metadata", &options.metadata},
                                              {"unequal", &options.unequal_copies}};
  const auto found = switches.find(name);
  if (found == switches.end()) return false;
  *found->second = false;
  return true;
}

}  // namespace

int main(int count, char** words) {
  std::uint64_t seeds = 100, first = 1;
  bool one = false;
  omrsync::sim::HistoryOptions options;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (++i == count) return usage();
    if (word == "--without") {
      if (!without(options, words[i])) return usage();
      continue;
    }
    if (word == "--with") {
      const std::string with = words[i];
      if (with != "restores" && with != "repository") return usage();
      (with == "restores" ? options.restores : options.repository) = true;
      continue;
    }
    if (word == "--trace") {
      const std::string root = words[i];
      options.trace = omrsync::RootKey{root.substr(0, root.find('/')), root.substr(root.find('/') + 1)};
      continue;
    }
    if (word == "--plant") {
      if (!omrsync::sim::plant(words[i], options)) return usage();
      continue;
    }
    const auto number = std::strtoull(words[i], nullptr, 10);
    if (word == "--seeds")
      seeds = number;
    else if (word == "--seed")
      first = number, one = true;
    else if (word == "--nodes")
      options.nodes = std::max<std::size_t>(1, number);
    else if (word == "--acts")
      options.acts = number;
    else
      return usage();
  }
  if (one && seeds == 100) seeds = 1;
  std::uint64_t bad = 0;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    const auto wrong = omrsync::sim::play_history(seed, options);
    if (wrong.empty()) continue;
    ++bad;
    std::cout << "seed " << seed << ": " << wrong.size() << " violations\n";
    for (std::size_t i = 0; i < wrong.size() && i < 400; ++i) std::cout << "  " << wrong[i] << "\n";
    std::cout << std::flush;
  }
  std::cout << seeds << " seeds of " << options.nodes << " nodes, " << bad << " with violations\n";
  return bad == 0 ? 0 : 1;
}
