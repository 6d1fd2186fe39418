#include "cli/commands.h"
#include "node/admin/nodes.h"
#include "node/admin/words.h"
#include "node/app/issue.h"
#include "node/app/open.h"
#include "node/app/units.h"

namespace omrsync::cli {
namespace {

std::string or_dash(const Json& value) { return value.text() == nullptr ? "-" : *value.text(); }

void print(Context& context, const std::vector<admin::ChildView>& views) {
  std::vector<std::vector<std::string>> rows;
  for (const admin::ChildView& view : views) {
    const Json json = admin::to_json(view);
    context.out.object(json);
    rows.push_back({view.child.name, std::string(json.text_of("state")), view.child.catchment,
                    or_dash(*json.find("last_seen")), std::to_string(view.waiting_down),
                    std::to_string(view.waiting_up), std::to_string(view.failed), std::to_string(view.conflicts)});
  }
  context.out.table({"NAME", "STATE", "CATCHMENT", "LAST SEEN", "DOWN", "UP", "FAILED", "CONFLICTS"}, rows,
                    "No nodes below this one yet; 'omrsync node add NAME' adds one.");
}

Result<int> ls(Context& context, const Arguments&) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  OMRSYNC_TRY(tx, store->read());
  OMRSYNC_TRY(views, admin::list_children(*tx));
  print(context, views);
  return exit_code::kDone;
}

Result<int> show(Context& context, const Arguments& arguments) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  OMRSYNC_TRY(tx, store->read());
  OMRSYNC_TRY(view, admin::show_child(*tx, *arguments.text("name")));
  const Json json = admin::to_json(view);
  context.out.object(json);
  for (const auto& [key, value] : *json.object())
    if (key != "schema") context.out.line(key + ": " + (value.text() != nullptr ? *value.text() : to_string(value)));
  return exit_code::kDone;
}

/// What a new code is told as: the code alone on stdout, everything around it on stderr.
Result<int> tell_code(Context& context, const app::Config& config, ports::Store& store, const app::NewCode& made) {
  OMRSYNC_TRY(tx, store.read());
  OMRSYNC_TRY(view, admin::show_child(*tx, made.child.name));
  Json json = admin::to_json(view);
  const Json expires = admin::time_or_null(made.expires_ms);
  context.out.object(json.set("code", made.code).set("code_expires", expires));
  context.out.say("The one-time code of " + made.child.name + ", good once until " + *expires.text() + ":");
  context.out.line(made.code);
  context.out.say("There: omrsync init child --name " + made.child.name + " --parent " + app::url_for_children(config) +
                  " --code CODE ...");
  return exit_code::kDone;
}

/// A file that is about to be written and must not be there.
Result<std::filesystem::path> new_file(const std::string& given) {
  std::filesystem::path file = std::filesystem::absolute(given).lexically_normal();
  if (!std::filesystem::exists(file)) return file;
  return Error{Remedy::stop_node, Code::usage, "There is a file " + file.string() + " already; it is not overwritten."};
}

Result<int> add_with_card(Context& context, const app::Config& config, ports::Store& store, const std::string& name,
                          const std::string& catchment, const std::string& card_file) {
  OMRSYNC_TRY(file, new_file(card_file));
  if (context.options.dry_run) {
    context.out.say("Would add " + name + " and write its card to " + file.string() + ".");
    return exit_code::kDone;
  }
  OMRSYNC_TRY(card, app::make_child(config, store, name, catchment, file));
  OMRSYNC_TRY(tx, store.read());
  OMRSYNC_TRY(view, admin::show_child(*tx, name));
  Json json = admin::to_json(view);
  context.out.object(json.set("card", file.string()));
  context.out.line("Added " + name + " (" + to_string(card.node) + "). Its card: " + file.string());
  context.out.say("The card is a secret. Carry it to " + name + ", run there 'omrsync init child --name " + name +
                  " --join FILE ...', and delete it.");
  return exit_code::kDone;
}

Result<int> sign(Context& context, const std::string& request, const std::string& out, const std::string& name,
                 const std::string& catchment) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  OMRSYNC_TRY(file, new_file(out));
  if (context.options.dry_run) {
    context.out.say("Would sign " + request + " and write the answer to " + file.string() + ".");
    return exit_code::kDone;
  }
  OMRSYNC_TRY(signed_one, app::sign_request_file(config, *store, request, file, name, catchment));
  OMRSYNC_TRY(tx, store->read());
  OMRSYNC_TRY(view, admin::show_child(*tx, signed_one.child.name));
  Json json = admin::to_json(view);
  json.set("answer", file.string()).set("key", signed_one.key).set("authority", signed_one.authority);
  context.out.object(json);
  context.out.line("Signed for " + signed_one.child.name + ": " + file.string());
  context.out.say("Compare over another way: the key " + signed_one.key +
                  " with what 'omrsync enrol request' printed,");
  context.out.say("and the authority " + signed_one.authority + " with what 'omrsync enrol accept' prints.");
  return exit_code::kDone;
}

Result<int> add(Context& context, const Arguments& arguments) {
  const std::string name = *arguments.text("name");
  const std::string catchment = arguments.text("--catchment").value_or("all");
  const auto card = arguments.text("--card");
  const auto request = arguments.text("--request");
  const auto out = arguments.text("--out");
  if (request.has_value() != out.has_value() || (card && request))
    return Error{Remedy::stop_node, Code::usage,
                 "Either --card FILE, or --request FILE with --out FILE, or none of them."};
  if (request) return sign(context, *request, *out, name, catchment);
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  {
    OMRSYNC_TRY(tx, store->read());
    OMRSYNC_CHECK(admin::check_new_child(*tx, name, catchment));
  }
  if (card) return add_with_card(context, config, *store, name, catchment, *card);
  if (context.options.dry_run) {
    context.out.say("Would add " + name + " and print a one-time code for it.");
    return exit_code::kDone;
  }
  OMRSYNC_TRY(made, app::invite(config, *store, name, catchment));
  return tell_code(context, config, *store, made);
}

Result<int> token(Context& context, const Arguments& arguments) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  OMRSYNC_TRY(made, app::token(config, *store, *arguments.text("name"), context.options.dry_run));
  if (!context.options.dry_run) return tell_code(context, config, *store, made);
  context.out.say("Would print a one-time code for " + made.child.name + ".");
  return exit_code::kDone;
}

Result<int> enrol_sign(Context& context, const Arguments& arguments) {
  return sign(context, *arguments.text("file"), *arguments.text("--out"), arguments.text("--name").value_or(""),
              arguments.text("--catchment").value_or("all"));
}

Result<int> change(Context& context, const Arguments& arguments, node::ChildRecord::State state) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  OMRSYNC_TRY(view,
              admin::set_child_state(*store, *arguments.text("name"), state, app::now_ms(), context.options.dry_run));
  print(context, {view});
  return exit_code::kDone;
}

Result<int> pause(Context& context, const Arguments& arguments) {
  return change(context, arguments, node::ChildRecord::State::paused);
}

Result<int> resume(Context& context, const Arguments& arguments) {
  return change(context, arguments, node::ChildRecord::State::active);
}

Result<int> revoke(Context& context, const Arguments& arguments) {
  if (!context.options.yes && !context.options.dry_run) {
    return Error{Remedy::stop_node, Code::usage,
                 "Revoking cannot be undone; the node then has to be added anew. Say --yes if you mean it."};
  }
  return change(context, arguments, node::ChildRecord::State::revoked);
}

Status take_direction(admin::GrantChange::Direction& change, const Arguments& arguments, const char* classes,
                      const char* rate) {
  change.classes = arguments.text(classes);
  const auto given = arguments.text(rate);
  if (!given) return Done{};
  OMRSYNC_TRY(plan, app::parse_rate_plan(*given));
  if (!plan.entries.empty())
    return Error{Remedy::stop_node, Code::usage, std::string(rate) + " takes off or one rate, such as 64KiB/s."};
  change.bytes_per_second = plan.otherwise;
  return Done{};
}

Result<int> allow(Context& context, const Arguments& arguments) {
  admin::GrantChange change;
  OMRSYNC_CHECK(take_direction(change.up, arguments, "--up", "--up-rate"));
  OMRSYNC_CHECK(take_direction(change.down, arguments, "--down", "--down-rate"));
  change.catchment = arguments.text("--catchment");
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  OMRSYNC_TRY(view,
              admin::allow_child(*store, *arguments.text("name"), change, app::now_ms(), context.options.dry_run));
  const Json json = admin::to_json(view);
  context.out.object(json);
  context.out.line(view.child.name + ": " + to_string(*json.find("grants")));
  return exit_code::kDone;
}

}  // namespace

std::vector<CommandSpec> node_commands() {
  const std::vector<OperandSpec> one = {{"name", "Name or id of the node."}};
  return {
      {"node ls", "The nodes below this one, and how they stand.", "omrsync node ls --json", {}, {}, ls},
      {"node show", "Everything about one node.", "omrsync node show kitale", {}, one, show},
      {"node add",
       "Adds a node below this one and prints a one-time code for it.",
       "omrsync node add kitale --catchment all",
       {{"--catchment", "WHAT", "What goes down to it: all (when not said) or none."},
        {"--card", "FILE", "Write a ready card instead of a code; the file is a secret."},
        {"--request", "FILE", "Sign a request that came as a file ('omrsync enrol request')."},
        {"--out", "FILE", "Where to write the answer to it."}},
       {{"name", "A short name for it, as its own --name will say."}},
       add},
      {"node token",
       "Another one-time code for a node that is there, as for a machine that was set up anew.",
       "omrsync node token kitale",
       {},
       one,
       token},
      {"node pause", "Its requests are put off until 'node resume'.", "omrsync node pause kitale", {}, one, pause},
      {"node resume", "Its requests are answered again.", "omrsync node resume kitale", {}, one, resume},
      {"node revoke",
       "Its certificate is refused from the next request on, for good.",
       "omrsync node revoke kitale --yes",
       {},
       one,
       revoke},
      {"node allow",
       "What a node may write and what it is told; what is not named stays as it is.",
       "omrsync node allow kitale --up clinical --down clinical,metadata --down-rate 64KiB/s",
       {{"--up", "CLASSES", "What it may write: clinical, metadata, both with a comma, all, or none."},
        {"--down", "CLASSES", "What it is told, in the same words."},
        {"--catchment", "WHAT", "What goes down to it: all or none."},
        {"--up-rate", "RATE", "How much it may send: off or a rate such as 64KiB/s."},
        {"--down-rate", "RATE", "How much it is sent, in the same words."}},
       one,
       allow},
      {"enrol sign",
       "At the parent: signs a request for a certificate that came as a file.",
       "omrsync enrol sign kitale.request --out kitale.answer",
       {{"--out", "FILE", "Where to write the answer; it holds no secret.", true},
        {"--name", "NAME", "Refuse a request of a node of another name."},
        {"--catchment", "WHAT", "What goes down to a node that is new here: all (when not said) or none."}},
       {{"file", "What 'omrsync enrol request' wrote at the node."}},
       enrol_sign},
  };
}

}  // namespace omrsync::cli
