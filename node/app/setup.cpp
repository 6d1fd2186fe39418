#include "node/app/setup.h"

#include <chrono>

#include "adapters/http/address.h"
#include "adapters/http/certificates.h"
#include "adapters/sqlite/store.h"
#include "adapters/system/clock.h"
#include "adapters/system/files.h"
#include "node/app/enrol.h"
#include "node/app/files.h"
#include "node/app/identity.h"
#include "node/app/init_answers.h"
#include "node/app/issue.h"
#include "node/app/open.h"
#include "node/app/state_folder.h"
#include "node/app/usb_keys.h"
#include "node/store/facts.h"

namespace omrsync::app {
namespace {

namespace fs = std::filesystem;
using std::chrono::days;

constexpr days kAuthorityLife{20 * 365};
constexpr days kCertificateLife{365};

template <std::size_t N>
void fill(std::array<std::uint8_t, N>& bytes, system::Entropy& entropy) {
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(entropy.next());
}

/// The names by which children may call the listener.
std::vector<std::string> hosts_of(const ListenConfig& listen) {
  std::vector<std::string> hosts;
  if (const auto address = http::parse_address(listen.address))
    if (address->host != "0.0.0.0" && address->host != "::") hosts.push_back(address->host);
  if (const auto url = http::parse_https_url(listen.url))
    if (hosts.empty() || hosts.front() != url->host) hosts.push_back(url->host);
  return hosts;
}

Status issue_server_certificate(const Config& config, const StateFolder& state) {
  OMRSYNC_TRY(authority, http::CertificateAuthority::open(state.authority()));
  OMRSYNC_TRY(server, authority.issue_server(hosts_of(*config.listen), from_now(kCertificateLife)));
  OMRSYNC_CHECK(system::write_file_atomically(state.server_key(), server.key_pem, 0600));
  return system::write_file_atomically(state.server_certificate(), server.certificate_pem, 0644);
}

Status make_authority(const Config& config, const StateFolder& state) {
  OMRSYNC_CHECK(make_private_folder(state.authority()));
  std::error_code ignored;
  if (!fs::exists(state.authority() / "ca.key", ignored)) {
    OMRSYNC_TRY(made,
                http::CertificateAuthority::create(state.authority(), config.node.name, from_now(kAuthorityLife)));
    (void)made;
  }
  return issue_server_certificate(config, state);
}

node::Identity new_identity(const Config& config, const std::optional<Card>& card) {
  system::Entropy entropy;
  node::Identity identity;
  identity.name = config.node.name;
  identity.incarnation = {card ? card->incarnation + 1 : 1, entropy.next()};
  fill(identity.hash_key, entropy);
  if (card) {
    identity.node = card->node;
    identity.network_key = card->network_key;
  } else {
    identity.node = random_uuid();
    fill(identity.network_key, entropy);
  }
  return identity;
}

Status audit_start(ports::StoreTransaction& tx, const Config& config, const node::Identity& identity) {
  Json record;
  record.set("at_ms", now_ms()).set("act", "node.init").set("by", "operator").set("node", to_string(identity.node));
  record.set("name", identity.name).set("role", config.role()).set("version", OMRSYNC_VERSION);
  return node::append_audit(tx, to_string(record));
}

/// The identity in the store, made where there is none yet.
Result<node::Identity> settle_identity(const Config& config, const std::optional<Card>& card) {
  OMRSYNC_CHECK(make_private_folder(config.store_file.parent_path()));
  OMRSYNC_TRY(store, sqlite::open_store(config.store_file, node::tables::kAll));
  OMRSYNC_TRY(tx, store->write());
  OMRSYNC_TRY(there, node::identity(*tx));
  if (there && card && there->node != card->node) {
    return Error{Remedy::stop_node, Code::config_invalid,
                 "The store " + config.store_file.string() +
                     " belongs to another node than the card. Use an empty state folder."};
  }
  if (there) return *there;
  const node::Identity identity = new_identity(config, card);
  OMRSYNC_CHECK(node::put_identity(*tx, identity));
  if (card) OMRSYNC_CHECK(tx->put(node::tables::kMeta, "parent_name", card->parent_name));
  if (card && !card->parent_recipient.empty()) {
    node::StickRecord stick;
    stick.recipient = card->parent_recipient;
    stick.peer = {card->parent, card->parent_incarnation};
    OMRSYNC_CHECK(node::put_stick(*tx, node::kParentLink, stick));
  }
  OMRSYNC_CHECK(audit_start(*tx, config, identity));
  OMRSYNC_CHECK(tx->commit());
  return identity;
}

Error mistakes_as_error(const std::vector<Mistake>& mistakes) {
  std::string all = "The answers do not make a configuration:";
  for (const Mistake& mistake : mistakes) all += "\n  " + mistake.key + " " + mistake.fault + ". " + mistake.remedy;
  return {Remedy::stop_node, Code::config_invalid, all};
}

/// The card of a node that joins with a code: the key is made here, the rest comes from the parent.
Result<Card> enrol(const Prepared& prepared, const Config& config) {
  const StateFolder state(config);
  OMRSYNC_CHECK(make_private_folder(state.card()));
  auto card = ask_with_code(config.parent->url, *prepared.code, config.node.name, state);
  if (!card && card.error().remedy != Remedy::retry_later) {  // leaves nothing behind
    std::error_code ignored;
    fs::remove(state.new_key(), ignored);
    for (const fs::path& folder : {state.card(), state.path}) fs::remove(folder, ignored);  // where they are empty
  }
  return card;
}

}  // namespace

Status unpack_card(const Card& card, const StateFolder& state) {
  OMRSYNC_CHECK(make_private_folder(state.card()));
  OMRSYNC_CHECK(system::write_file_atomically(state.parent_authority(), card.authority_pem, 0644));
  return put_certificate(state, card.key_pem, card.certificate_pem);
}

Result<InitOutcome> init_node(const InitAnswers& answers, const fs::path& config_file, bool only_try) {
  std::error_code ignored;
  if (fs::exists(config_file, ignored)) {
    return Error{Remedy::stop_node, Code::usage,
                 "There is a configuration already: " + config_file.string() + ". 'omrsync config set' changes it."};
  }
  OMRSYNC_TRY(prepared, prepare(answers, config_file));
  const Checked checked = check_config(prepared.document, config_file);
  if (!checked.config) return mistakes_as_error(checked.mistakes);
  InitOutcome outcome{config_file, config_as_toml(prepared.document), *checked.config, {}};
  if (only_try) return outcome;
  const StateFolder state(*checked.config);
  OMRSYNC_CHECK(make_private_folder(config_file.parent_path()));
  OMRSYNC_CHECK(make_private_folder(state.path));
  if (prepared.code) {
    OMRSYNC_TRY(card, enrol(prepared, *checked.config));
    prepared.card = std::move(card);
  }
  if (checked.config->listen) OMRSYNC_CHECK(make_authority(*checked.config, state));
  if (prepared.card) OMRSYNC_CHECK(unpack_card(*prepared.card, state));
  OMRSYNC_TRY(identity, settle_identity(*checked.config, prepared.card));
  outcome.node = identity.node;
  OMRSYNC_CHECK(system::write_file_atomically(config_file, outcome.toml, 0600));
  return outcome;
}

Status renew_server_certificate(const Config& config) {
  const StateFolder state(config);
  OMRSYNC_TRY(pem, system::read_file(state.server_certificate()));
  OMRSYNC_TRY(expiry, http::certificate_expiry(pem));
  const std::chrono::milliseconds left = expiry.time_since_epoch() - std::chrono::milliseconds(now_ms());
  if (left > kCertificateLife / 3) return Done{};
  return issue_server_certificate(config, state);
}

}  // namespace omrsync::app
