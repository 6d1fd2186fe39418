#include <unistd.h>

#include <chrono>
#include <iostream>

#include "cli/commands.h"
#include "node/app/daemon.h"
#include "node/app/usb.h"

namespace omrsync::cli {
namespace {

using std::chrono::duration;
using std::chrono::steady_clock;

std::string megabytes(double bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MB", bytes / 1e6);
  return text;
}

/// One line on the terminal that is written over again and again: how far, how fast, how long still.
class Meter {
 public:
  explicit Meter(const Context& context)
      : shown_(!context.options.json && !context.options.quiet && ::isatty(STDERR_FILENO) == 1) {}
  ~Meter() {
    if (drawn_) std::cerr << "\r\x1b[K" << std::flush;
  }

  void operator()(const app::UsbProgress& progress) {
    if (!shown_) return;
    const auto now = steady_clock::now();
    if (doing_ != progress.doing) {
      doing_ = progress.doing;
      began_ = now;
      base_ = progress.done;
      drawn_at_ = {};
    }
    if (now - drawn_at_ < std::chrono::milliseconds(200)) return;
    drawn_at_ = now;
    drawn_ = true;
    std::cerr << '\r' << line(progress, duration<double>(now - began_).count()) << "\x1b[K" << std::flush;
  }

 private:
  [[nodiscard]] std::string line(const app::UsbProgress& progress, double seconds) const {
    const bool bytes = progress.unit == "bytes";
    const auto amount = [&](double count) {
      return bytes ? megabytes(count) : std::to_string(static_cast<std::uint64_t>(count)) + " change sets";
    };
    const double rate = seconds > 0 ? static_cast<double>(progress.done - base_) / seconds : 0;
    std::string text = doing_ + " " + amount(static_cast<double>(progress.done));
    if (progress.of > 0) text += " of " + amount(static_cast<double>(progress.of));
    if (rate > 0) text += ", " + amount(rate) + "/s";
    if (rate > 0 && progress.of > progress.done)
      text += ", " + std::to_string(static_cast<int>(static_cast<double>(progress.of - progress.done) / rate) + 1) +
              " s left";
    return text;
  }

  bool shown_;
  bool drawn_ = false;
  std::string doing_;
  std::uint64_t base_ = 0;
  steady_clock::time_point began_;
  steady_clock::time_point drawn_at_;
};

std::string number(const Json& json, const char* member) {
  const Json* value = json.find(member);
  return value == nullptr || value->integer() == nullptr ? "?" : std::to_string(*value->integer());
}

std::string name_of(const Json& json, const char* party) {
  const Json* value = json.find(party);
  return value == nullptr ? "?" : std::string(value->text_of("name"));
}

/// "omrs-sync-kitale-hq-e1-1-57: taken, from kitale to hq, change sets 1 to 57, 0.4 MB, written 2026-05-18T06:30:00Z"
std::string line_of(const Json& json) {
  const std::string folder = std::filesystem::path(json.text_of("folder")).filename().string();
  std::string text = folder + ": " + std::string(json.text_of("state"));
  if (json.find("package") == nullptr) return text + ", " + std::string(json.text_of("message"));
  text += ", from " + name_of(json, "sender") + " to " + name_of(json, "recipient");
  text += json.text_of("kind") == "receipt" ? ", receipts only"
                                            : ", change sets " + number(json, "first") + " to " + number(json, "last");
  text += ", " + megabytes(static_cast<double>(*json.find("bytes")->integer())) + ", written " +
          std::string(json.text_of("created"));
  if (json.find("taken") != nullptr)
    text += ", " + number(json, "taken") + " new, " + number(json, "duplicates") + " were here";
  return text;
}

Result<int> told(Context& context, const app::UsbAnswer& answer) {
  for (const Json& json : answer.packages) {
    context.out.object(json);
    context.out.line(line_of(json));
  }
  if (!answer.failure) return exit_code::kDone;
  const bool full = answer.failure->code == Code::disk_full && answer.packages.front().text_of("state") == "full";
  return full ? context.out.failure(*answer.failure, exit_code::kPartial) : context.out.failure(*answer.failure);
}

std::filesystem::path folder_of(const Arguments& arguments) {
  return std::filesystem::absolute(*arguments.text("dir")).lexically_normal();
}

Result<int> export_to(Context& context, const Arguments& arguments) {
  app::ExportRequest request;
  request.folder = folder_of(arguments);
  request.to = arguments.text("--to");
  request.resume = arguments.has("--resume");
  request.verbose = context.options.verbose;
  if (const auto from = arguments.text("--from")) {
    const bool digits =
        !from->empty() && from->size() < 19 && from->find_first_not_of("0123456789") == std::string::npos;
    if (!digits) return Error{Remedy::stop_node, Code::usage, "--from needs the number of a change set."};
    request.from = std::stoull(*from);
  }
  if (const auto text = arguments.text("--volume-size")) {
    const bool bare = !text->empty() && text->find_first_not_of("0123456789") == std::string::npos;
    const auto size = app::parse_size(bare ? *text + "B" : *text);
    if (!size) return Error{Remedy::stop_node, Code::usage, "--volume-size " + size.error().message + "."};
    request.volume_size = *size;
  }
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  Result<app::UsbAnswer> answer = Error{Remedy::stop_node, Code::defect, {}};
  {
    Meter meter(context);
    answer = app::usb_export(config, request, std::ref(meter));
  }
  if (!answer) return answer.error();
  OMRSYNC_TRY(code, told(context, *answer));
  context.out.say("Everything is on the stick: unmount it, then pull it out.");
  return code;
}

template <typename Act>
Result<int> read(Context& context, const Arguments& arguments, Act act) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  Result<app::UsbAnswer> answer = Error{Remedy::stop_node, Code::defect, {}};
  {
    Meter meter(context);
    answer = act(config, folder_of(arguments), std::ref(meter));
  }
  if (!answer) return answer.error();
  return told(context, *answer);
}

Result<int> import_from(Context& context, const Arguments& arguments) {
  OMRSYNC_TRY(code, read(context, arguments, app::usb_import));
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  if (code == exit_code::kDone && !app::daemon_pid(config))
    context.out.say("The daemon does not run: what came is applied when it does.");
  return code;
}

Result<int> verify(Context& context, const Arguments& arguments) { return read(context, arguments, app::usb_verify); }

Result<int> inspect(Context& context, const Arguments& arguments) {
  OMRSYNC_TRY(answer, app::usb_inspect(folder_of(arguments)));
  return told(context, answer);
}

std::string note_text(const Json* note) {
  if (note == nullptr || note->is_null()) return "never";
  const bool changes = *note->find("first")->integer() != 0;
  return std::string(note->text_of("at")) + (changes ? " (to " + number(*note, "last") + ")" : " (receipts)");
}

Result<int> status(Context& context, const Arguments&) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(links, app::usb_status(config));
  std::vector<std::vector<std::string>> rows;
  for (const Json& link : links) {
    context.out.object(link);
    const Json* missing = link.find("missing");
    rows.push_back({std::string(link.text_of("name")), number(link, "frozen_through"),
                    number(link, "confirmed_through"), number(link, "stored_through"), note_text(link.find("written")),
                    note_text(link.find("read")),
                    missing->is_null() ? "-" : number(*missing, "first") + " to " + number(*missing, "last")});
  }
  context.out.table({"NODE", "FROZEN", "CONFIRMED", "HAVE", "WRITTEN", "READ", "MISSING"}, rows,
                    "This node has neither a parent nor children.");
  return exit_code::kDone;
}

}  // namespace

std::vector<CommandSpec> usb_commands() {
  const std::vector<OperandSpec> stick = {{"dir", "Folder of the stick, or of one package on it."}};
  return {
      {"usb export",
       "Writes what waits for the parent, or for a child, to a stick, with receipts for what came.",
       "omrsync usb export /media/stick",
       {{"--to", "NAME", "The node it is for; a child's is its parent unless it says so."},
        {"--resume", "", "Go on with an export that was cut, keeping the volumes that are whole."},
        {"--volume-size", "SIZE", "Files of at most this size, such as 256MiB; 1GiB by itself."},
        {"--from", "NUMBER", "Begin with this change set: those before it are on another stick."}},
       {{"dir", "Folder of the stick."}},
       export_to},
      {"usb import",
       "Takes the packages for this node from a stick.",
       "omrsync usb import /media/stick",
       {},
       stick,
       import_from},
      {"usb verify",
       "Reads a stick as import would, and takes nothing.",
       "omrsync usb verify /media/stick",
       {},
       stick,
       verify},
      {"usb inspect",
       "What is on a stick, from whom, for whom.",
       "omrsync usb inspect /media/stick",
       {},
       stick,
       inspect},
      {"usb status", "What was written and read by stick, and what is missing.", "omrsync usb status", {}, {}, status},
  };
}

}  // namespace omrsync::cli
