#include "cli/commands.h"
#include "node/app/enrol_tasks.h"
#include "node/app/open.h"

namespace omrsync::cli {
namespace {

Result<int> request(Context& context, const Arguments& arguments) {
  const std::filesystem::path file = std::filesystem::absolute(*arguments.text("file")).lexically_normal();
  OMRSYNC_TRY(made, app::make_request(context.config_file(), arguments.text("--name"), file));
  Json json;
  json.set("schema", "omrsync/enrol/1").set("name", made.name).set("request", file.string()).set("key", made.key);
  context.out.object(json);
  context.out.line("The request of " + made.name + ": " + file.string());
  context.out.say("It is no secret. Its key, to be compared with what the parent signs: " + made.key);
  context.out.say("At the parent: omrsync enrol sign FILE --out ANSWER");
  return exit_code::kDone;
}

Result<int> tell(Context& context, const app::Enrolled& enrolled) {
  Json json;
  json.set("schema", "omrsync/enrol/1").set("name", enrolled.name).set("authority", enrolled.authority);
  context.out.object(json);
  context.out.line(enrolled.name + " has a new certificate.");
  context.out.say("Signed by the authority " + enrolled.authority);
  return exit_code::kDone;
}

Result<int> accept(Context& context, const Arguments& arguments) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(enrolled, app::take_answer(config, *arguments.text("file"), arguments.text("--authority").value_or("")));
  return tell(context, enrolled);
}

Result<int> code(Context& context, const Arguments& arguments) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(enrolled, app::take_code(config, *arguments.text("code")));
  return tell(context, enrolled);
}

}  // namespace

std::vector<CommandSpec> enrol_commands() {
  return {
      {"enrol request",
       "At a node without a line: writes a request for a certificate; the key stays here.",
       "omrsync --config kitale/omrsync.toml enrol request kitale.request --name kitale",
       {{"--name", "NAME", "Of a node that was not set up yet; else its own."}},
       {{"file", "Where to write it."}},
       request},
      {"enrol accept",
       "At that node: takes the parent's answer. One that was not set up yet takes it with 'init child --answer'.",
       "omrsync enrol accept kitale.answer",
       {{"--authority", "HEX", "What 'enrol sign' printed: refuse an answer of another authority."}},
       {{"file", "What 'omrsync enrol sign' wrote at the parent."}},
       accept},
      {"enrol code",
       "Gets a new certificate for this node with a one-time code, as when the old one has expired.",
       "omrsync enrol code CODE",
       {},
       {{"code", "What 'omrsync node token' printed at the parent."}},
       code},
  };
}

}  // namespace omrsync::cli
