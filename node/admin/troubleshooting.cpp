#include "node/admin/troubleshooting.h"

#include <array>
#include <string_view>

#include "protocol/codes.h"

namespace omrsync::admin {
namespace {

struct Chapter {
  int first;  ///< of the hundred
  std::string_view title;
};

constexpr std::array kChapters = {
    Chapter{1000, "The line"},
    Chapter{1100, "TLS, certificates, clock"},
    Chapter{1200, "The OpenMRS database"},
    Chapter{1300, "Capture"},
    Chapter{1400, "This machine and its disk"},
    Chapter{2000, "The node protocol"},
    Chapter{2100, "FHIR"},
    Chapter{2200, "References"},
    Chapter{2300, "Who may do what"},
    Chapter{2400, "Limits"},
    Chapter{3000, "Applying"},
    Chapter{3100, "Mapping"},
    Chapter{3200, "Conflicts"},
    Chapter{4000, "USB"},
    Chapter{5000, "Audit and integrity"},
    Chapter{6000, "Configuration and usage"},
    Chapter{9000, "Defects"},
};

constexpr std::string_view kIntroduction = R"(# When something is wrong

Look in this order; each step needs less than a minute and changes nothing.

1. `omrsync status` says what stands still and which command comes next. It works without daemon, database and line.
2. `omrsync doctor` checks configuration, folder, disk, store, certificates, database settings and the way to the parent,
   layer by layer, and says for each fault what to do.
3. `omrsync queue ls --state quarantined` and `--state held` list change sets that cannot go on; `omrsync queue show ID` says
   why. What is *held* goes on by itself when its target arrives. What is *quarantined* waits for a person: remove the
   cause, then `omrsync queue retry ID`.
4. `omrsync conflict ls` lists fields that two sites wrote without knowledge of each other. Nothing is blocked by them.
5. `omrsync load status` shows first loads and comparisons, and asks before it takes many missing rows for deleted.

`status` says of capture: *running*; *waiting* (the database is away); *stopped* (no daemon). Of the parent: *ok*;
*unreachable* (the line); *refused* (the parent said no); *foreign* (something else answered: a proxy, a log-in page); *clock*
(the clocks differ too much); *revoked*; *paused* (outside `[parent] window`).

Every failure has a code, and `omrsync help CODE` prints what stands here. *By itself* means that the node tries again.
This page is written by `omrsync help troubleshooting`; a test compares the two.
)";

}  // namespace

std::string troubleshooting_page() {
  std::string page(kIntroduction);
  for (const Chapter& chapter : kChapters) {
    bool begun = false;
    for (const CodeEntry& entry : all_codes()) {
      const int number = static_cast<int>(entry.code);
      if (number < chapter.first || number >= chapter.first + 100) continue;
      if (!begun)
        page += "\n## " + std::string(chapter.title) +
                "\n\n| code | what happened | what to do | by itself |\n| --- | --- | --- | --- |\n";
      begun = true;
      page += "| " + to_string(entry.code) + " | " + std::string(entry.meaning) + " | " + std::string(entry.remedy) +
              " | " + (entry.retryable ? "yes" : "no") + " |\n";
    }
  }
  return page;
}

}  // namespace omrsync::admin
