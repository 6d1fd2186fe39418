#include "cli/commands.h"
#include "cli/parser.h"
#include "node/admin/troubleshooting.h"
#include "protocol/codes.h"
#include "protocol/messages.h"

namespace omrsync::cli {
namespace {

Result<int> version(Context& context, const Arguments&) {
  Json answer;
  answer.set("schema", "omrsync/version/1").set("version", OMRSYNC_VERSION).set("wire", kWireVersion);
  context.out.object(answer);
  context.out.line("omrsync " OMRSYNC_VERSION ", node protocol " + std::to_string(kWireVersion));
  return exit_code::kDone;
}

Json code_as_json(const CodeEntry& entry) {
  Json answer;
  answer.set("schema", "omrsync/code/1").set("code", to_string(entry.code)).set("name", entry.name);
  answer.set("meaning", entry.meaning).set("remedy", entry.remedy).set("retryable", entry.retryable);
  return answer.set("exit", exit_code_of(entry.code));
}

void print_code(Context& context, const CodeEntry& entry) {
  context.out.object(code_as_json(entry));
  context.out.line(to_string(entry.code) + "  " + std::string(entry.meaning));
  context.out.line("  What to do: " + std::string(entry.remedy));
  context.out.line(entry.retryable ? "  The node tries again by itself." : "  The node does not try again by itself.");
}

bool looks_like_code(std::string_view word) {
  return word.starts_with("SYNC-") || word.starts_with("sync-") ||
         (!word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos);
}

Result<int> help(Context& context, const Arguments& arguments) {
  std::string path;
  for (const std::string& word : arguments.all("topic")) path += (path.empty() ? "" : " ") + word;
  if (path == "codes") {
    for (const CodeEntry& entry : all_codes()) print_code(context, entry);
    return exit_code::kDone;
  }
  if (path == "troubleshooting") {
    std::string page = admin::troubleshooting_page();
    Json answer;
    context.out.object(answer.set("schema", "omrsync/help/1").set("text", page));
    page.pop_back();
    context.out.line(page);
    return exit_code::kDone;
  }
  if (looks_like_code(path)) {
    const auto code = parse_code(path);
    if (!code)
      return Error{Remedy::stop_node, Code::not_found,
                   "There is no code " + path + "; 'omrsync help codes' lists all."};
    print_code(context, describe(*code));
    return exit_code::kDone;
  }
  OMRSYNC_TRY(text, help_text(path));
  Json answer;
  context.out.object(answer.set("schema", "omrsync/help/1").set("text", text));
  context.out.line(text);
  return exit_code::kDone;
}

}  // namespace

std::vector<CommandSpec> general_commands() {
  return {
      {"version", "Version of the program and of the node protocol.", "omrsync version", {}, {}, version},
      {"help",
       "Help on a command, or what an error code means and what to do.",
       "omrsync help SYNC-1201",
       {},
       {{"topic", "A command, a code such as SYNC-1201, 'codes' or 'troubleshooting'.", false, true}},
       help},
  };
}

}  // namespace omrsync::cli
