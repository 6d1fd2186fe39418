#include "cli/commands.h"
#include "node/admin/nodes.h"
#include "node/admin/words.h"
#include "node/app/open.h"
#include "node/app/setup.h"

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
                    "No nodes below this one yet; 'omrsync node add NAME --catchment all --card FILE' adds one.");
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

Result<int> add(Context& context, const Arguments& arguments) {
  const auto card_file = arguments.text("--card");
  if (!card_file) {
    return Error{Remedy::stop_node, Code::usage,
                 "This version hands over a card file: add --card FILE. One-time codes come later."};
  }
  const std::string name = *arguments.text("name");
  const std::string catchment = *arguments.text("--catchment");
  const std::filesystem::path file = std::filesystem::absolute(*card_file).lexically_normal();
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  if (std::filesystem::exists(file)) {
    return Error{Remedy::stop_node, Code::usage,
                 "There is a file " + file.string() + " already; a card is never overwritten."};
  }
  if (context.options.dry_run) {
    OMRSYNC_TRY(tx, store->read());
    OMRSYNC_CHECK(admin::check_new_child(*tx, name, catchment));
    context.out.say("Would add " + name + " and write its card to " + file.string() + ".");
    return exit_code::kDone;
  }
  OMRSYNC_TRY(card, app::make_child(config, *store, name, catchment, file));
  OMRSYNC_TRY(tx, store->read());
  OMRSYNC_TRY(view, admin::show_child(*tx, name));
  Json json = admin::to_json(view);
  context.out.object(json.set("card", file.string()));
  context.out.line("Added " + name + " (" + to_string(card.node) + "). Its card: " + file.string());
  context.out.say("The card is a secret. Carry it to " + name + ", run there 'omrsync init child --name " + name +
                  " --join FILE ...', and delete it.");
  return exit_code::kDone;
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
                 "Revoking cannot be undone; the node then needs a new card. Say --yes if you mean it."};
  }
  return change(context, arguments, node::ChildRecord::State::revoked);
}

Result<int> allow(Context&, const Arguments&) {
  return Error{Remedy::stop_node, Code::usage,
               "This version has one grant: everything of a node's catchment, both ways."};
}

}  // namespace

std::vector<CommandSpec> node_commands() {
  const std::vector<OperandSpec> one = {{"name", "Name or id of the node."}};
  return {
      {"node ls", "The nodes below this one, and how they stand.", "omrsync node ls --json", {}, {}, ls},
      {"node show", "Everything about one node.", "omrsync node show kitale", {}, one, show},
      {"node add",
       "Adds a node below this one and makes its card.",
       "omrsync node add kitale --catchment all --card kitale.card",
       {{"--catchment", "WHAT", "What goes down to it: all or none.", true},
        {"--card", "FILE", "Write a ready card; the file is a secret."}},
       {{"name", "A short name for it, as its own --name will say."}},
       add},
      {"node pause", "Its requests are put off until 'node resume'.", "omrsync node pause kitale", {}, one, pause},
      {"node resume", "Its requests are answered again.", "omrsync node resume kitale", {}, one, resume},
      {"node revoke",
       "Its certificate is refused from the next request on, for good.",
       "omrsync node revoke kitale --yes",
       {},
       one,
       revoke},
      {"node allow", "What a node may do.", "omrsync node allow kitale", {}, one, allow},
  };
}

}  // namespace omrsync::cli
