#include "node/app/enrol_tasks.h"

#include "adapters/http/certificates.h"
#include "node/app/enrol.h"
#include "node/app/open.h"
#include "node/app/setup.h"
#include "node/store/facts.h"

namespace omrsync::app {
namespace {

Error usage(const char* message) { return {Remedy::stop_node, Code::usage, message}; }

/// Takes the card's certificate for this node, which it must be for.
Result<Enrolled> take(const Config& config, const Card& card, const std::string& authority) {
  OMRSYNC_TRY(fingerprint, http::fingerprint(card.authority_pem));
  if (!fingerprint.starts_with(authority))
    return Error{Remedy::set_aside, Code::authority_mismatch, "The answer is of the authority " + fingerprint + "."};
  OMRSYNC_TRY(store, open_store(config));
  OMRSYNC_TRY(tx, store->write());
  OMRSYNC_TRY(self, node::identity(*tx));
  if (!self || self->node != card.node)
    return Error{Remedy::set_aside, Code::tls_identity_mismatch, "The certificate is for another node than this one."};
  Json record;
  record.set("at_ms", now_ms()).set("act", "node.enrolled").set("by", "operator").set("authority", fingerprint);
  OMRSYNC_CHECK(node::append_audit(*tx, to_string(record)));
  OMRSYNC_CHECK(unpack_card(card, StateFolder(config)));
  OMRSYNC_CHECK(tx->commit());
  return Enrolled{config.node.name, fingerprint};
}

}  // namespace

Result<MadeRequest> make_request(const std::filesystem::path& config_file, const std::optional<std::string>& name,
                                 const std::filesystem::path& request_file) {
  std::error_code ignored;
  MadeRequest made{name.value_or(""), {}};
  StateFolder state(config_file.parent_path() / "state");
  if (std::filesystem::exists(config_file, ignored)) {
    OMRSYNC_TRY(config, load_valid_config(config_file));
    if (name && *name != config.node.name) return usage("This node has another name than --name says.");
    made.name = config.node.name;
    state = StateFolder(config);
  } else if (!name) {
    return usage("Missing: --name; this node was not set up yet.");
  }
  if (std::filesystem::exists(request_file, ignored))
    return usage("There is such a file already; it is not overwritten.");
  OMRSYNC_TRY(key, write_request(request_file, made.name, state));
  made.key = std::move(key);
  return made;
}

Result<Enrolled> take_answer(const Config& config, const std::filesystem::path& answer_file,
                             const std::string& authority) {
  OMRSYNC_TRY(card, accept_answer(answer_file, config.node.name, StateFolder(config)));
  return take(config, card, authority);
}

Result<Enrolled> take_code(const Config& config, const std::string& code) {
  if (!config.parent) return usage("This node has no parent.");
  OMRSYNC_TRY(parsed, parse_enrol_code(code));
  OMRSYNC_TRY(card, ask_with_code(config.parent->url, parsed, config.node.name, StateFolder(config)));
  return take(config, card, "");
}

}  // namespace omrsync::app
