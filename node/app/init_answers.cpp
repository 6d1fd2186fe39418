#include "node/app/init_answers.h"

#include <charconv>

#include "node/app/enrol.h"
#include "node/app/open.h"

namespace omrsync::app {
namespace {

namespace fs = std::filesystem;

Error usage(std::string message) { return {Remedy::stop_node, Code::usage, std::move(message)}; }

/// Where a path of the command line is meant to be.
Result<fs::path> find_file(const std::string& given, const fs::path& config_file, const char* flag) {
  std::error_code ignored;
  const fs::path here = fs::absolute(given).lexically_normal();
  if (fs::is_regular_file(here, ignored)) return here;
  const fs::path beside = (config_file.parent_path() / given).lexically_normal();
  if (fs::is_regular_file(beside, ignored)) return beside;
  return Error{Remedy::stop_node, Code::file_unreadable,
               std::string(flag) + ": there is no file " + here.string() + ", nor " + beside.string() + "."};
}

/// As it should stand in the configuration: short where the file lies beside it.
std::string path_in_config(const fs::path& file, const fs::path& config_file) {
  const fs::path inside = file.lexically_relative(config_file.parent_path());
  return inside.empty() || inside.begin()->string() == ".." ? file.string() : inside.string();
}

struct DatabaseUrl {
  std::string user;
  std::string host;
  std::string socket;
  std::optional<std::int64_t> port;
  std::string database;
};

Result<DatabaseUrl> parse_database_url(const std::string& text) {
  const auto fault = [] {
    return usage(
        "--openmrs is not an address such as mysql://omrsync@127.0.0.1:3306/openmrs or "
        "mysql://omrsync@localhost/openmrs?socket=/run/mysqld/mysqld.sock.");
  };
  std::string_view rest = text;
  const auto scheme = rest.find("://");
  if (scheme == std::string_view::npos) return fault();
  if (rest.substr(0, scheme) != "mysql" && rest.substr(0, scheme) != "mariadb") return fault();
  rest.remove_prefix(scheme + 3);
  DatabaseUrl url;
  const auto at = rest.find('@');
  if (at == std::string_view::npos || at == 0) return fault();
  url.user = rest.substr(0, at);
  if (url.user.find(':') != std::string::npos)
    return usage("--openmrs may not hold a password; other users can see it. Use --openmrs-password-file.");
  rest.remove_prefix(at + 1);
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos) return fault();
  std::string_view server = rest.substr(0, slash);
  std::string_view database = rest.substr(slash + 1);
  constexpr std::string_view kSocket = "?socket=";
  if (const auto query = database.find('?'); query != std::string_view::npos) {
    if (!database.substr(query).starts_with(kSocket)) return fault();
    url.socket = database.substr(query + kSocket.size());
    database = database.substr(0, query);
  }
  const auto colon = server.rfind(':');
  if (colon != std::string_view::npos && server.find(']', colon) == std::string_view::npos) {
    std::int64_t port = 0;
    const auto [end, error] = std::from_chars(server.data() + colon + 1, server.data() + server.size(), port);
    if (error != std::errc{} || end != server.data() + server.size()) return fault();
    url.port = port;
    server = server.substr(0, colon);
  }
  url.host = server;
  url.database = database;
  if (url.database.empty() || (url.host.empty() && url.socket.empty())) return fault();
  return url;
}

Result<Json> openmrs_section(const InitAnswers& answers, const fs::path& config_file) {
  OMRSYNC_TRY(url, parse_database_url(*answers.openmrs));
  Json section;
  if (url.socket.empty()) {
    section.set("host", url.host);
    section.set("port", url.port.value_or(3306));
  } else {
    section.set("socket", url.socket);
  }
  section.set("database", url.database).set("user", url.user);
  if (answers.openmrs_password_file) {
    OMRSYNC_TRY(file, find_file(*answers.openmrs_password_file, config_file, "--openmrs-password-file"));
    section.set("password_file", path_in_config(file, config_file));
  }
  section.set("capture", "binlog").set("marker_schema", "omrsync_" + url.database);
  return section;
}

}  // namespace

std::vector<MissingAnswer> missing_answers(const InitAnswers& answers) {
  std::vector<MissingAnswer> missing;
  const auto need = [&](const std::optional<std::string>& answer, const char* flag, const char* question) {
    if (!answer) missing.push_back({flag, question});
  };
  need(answers.name, "--name", "A short name for this node, such as kitale");
  need(answers.timezone, "--timezone", "The time zone of the OpenMRS server, such as Africa/Nairobi");
  if (answers.has_children) {
    need(answers.listen, "--listen", "Address and port to listen on, such as 0.0.0.0:8443");
    need(answers.url, "--url", "The address by which children reach this node, such as https://hq.example.org:8443");
  }
  if (answers.has_parent && !answers.has_children)
    need(answers.openmrs, "--openmrs", "The OpenMRS database, such as mysql://omrsync@127.0.0.1:3306/openmrs");
  if (answers.openmrs || (answers.has_parent && !answers.has_children))
    need(answers.openmrs_password_file, "--openmrs-password-file",
         "A file (mode 0600) with the database account's password");
  if (answers.has_parent && (answers.parent || answers.code)) {
    need(answers.parent, "--parent", "The parent's address, such as https://hq.example.org:8443");
    need(answers.code, "--code", "The one-time code that the parent's administrator was shown by 'omrsync node add'");
  } else if (answers.has_parent && !answers.answer)
    need(answers.join, "--join", "The card file that the parent's administrator made with 'omrsync node add'");
  return missing;
}

namespace {

/// By whichever of the three ways the node is to join.
Status prepare_joining(const InitAnswers& answers, const fs::path& config_file, Prepared& prepared) {
  if (answers.parent.has_value() + answers.join.has_value() + answers.answer.has_value() != 1)
    return usage("A node joins in one way: by --parent and --code, by --join, or by --answer.");
  if (answers.parent) {
    OMRSYNC_TRY(code, parse_enrol_code(*answers.code));
    prepared.code = std::move(code);
    return Done{};
  }
  if (answers.answer) {
    OMRSYNC_TRY(file, find_file(*answers.answer, config_file, "--answer"));
    OMRSYNC_TRY(card, accept_answer(file, *answers.name, StateFolder(config_file.parent_path() / "state")));
    prepared.card = std::move(card);
    return Done{};
  }
  OMRSYNC_TRY(file, find_file(*answers.join, config_file, "--join"));
  OMRSYNC_TRY(json, read_secret_json_file(file));
  OMRSYNC_TRY(card, card_from_json(json));
  if (card.name != *answers.name)
    return usage("The card is for '" + card.name + "', and --name says '" + *answers.name + "'.");
  prepared.card = std::move(card);
  return Done{};
}

}  // namespace

Result<Prepared> prepare(const InitAnswers& answers, const fs::path& config_file) {
  Prepared prepared;
  if (answers.has_parent) OMRSYNC_CHECK(prepare_joining(answers, config_file, prepared));
  Json node;
  node.set("name", *answers.name).set("state_dir", "state").set("timezone", *answers.timezone);
  prepared.document.set("node", node);
  if (answers.openmrs) {
    OMRSYNC_TRY(section, openmrs_section(answers, config_file));
    prepared.document.set("openmrs", section);
  }
  prepared.document.set("store", Json(Json::Object{{"url", answers.store.value_or("sqlite:state/node.db")}}));
  if (answers.has_parent) {
    Json parent;
    parent.set("url", prepared.card ? prepared.card->parent_url : *answers.parent)
        .set("push", "1min")
        .set("pull", "1min");
    prepared.document.set("parent", parent.set("max_rate", "off").set("window", "always"));
  }
  if (answers.has_children) {
    Json listen;
    prepared.document.set("listen", listen.set("address", *answers.listen).set("url", *answers.url));
  }
  return prepared;
}

}  // namespace omrsync::app
