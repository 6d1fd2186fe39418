#include "node/app/setup.h"

#include <chrono>

#include "adapters/http/address.h"
#include "adapters/http/certificates.h"
#include "adapters/sqlite/store.h"
#include "adapters/system/clock.h"
#include "adapters/system/files.h"
#include "node/admin/nodes.h"
#include "node/app/files.h"
#include "node/app/identity.h"
#include "node/app/init_answers.h"
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

http::Validity from_now(days length) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::milliseconds(now_ms()));
  return {std::chrono::sys_seconds(now), length};
}

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

Status unpack_card(const Card& card, const StateFolder& state) {
  OMRSYNC_CHECK(make_private_folder(state.card()));
  OMRSYNC_CHECK(system::write_file_atomically(state.parent_authority(), card.authority_pem, 0644));
  OMRSYNC_CHECK(system::write_file_atomically(state.client_certificate(), card.certificate_pem, 0644));
  return system::write_file_atomically(state.client_key(), card.key_pem, 0600);
}

node::Identity new_identity(const Config& config, const std::optional<Card>& card) {
  system::Entropy entropy;
  node::Identity identity;
  identity.name = config.node.name;
  identity.incarnation = {1, entropy.next()};
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

}  // namespace

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

Result<Card> make_child(const Config& config, ports::Store& store, const std::string& name,
                        const std::string& catchment, const fs::path& card_file) {
  if (!config.listen) {
    return Error{Remedy::stop_node, Code::usage, "This node has no [listen] section, so it cannot have children."};
  }
  OMRSYNC_TRY(stick, stick_key(config, store));
  node::Identity self;
  {
    OMRSYNC_TRY(tx, store.read());
    OMRSYNC_CHECK(admin::check_new_child(*tx, name, catchment));
    OMRSYNC_TRY(identity, node::identity(*tx));
    if (!identity) return Error{Remedy::stop_node, Code::config_missing, "This node was not set up by 'omrsync init'."};
    self = *identity;
  }
  OMRSYNC_TRY(authority, http::CertificateAuthority::open(StateFolder(config).authority()));
  Card card;
  card.parent_url = config.listen->url.empty() ? "https://" + config.listen->address : config.listen->url;
  card.parent_name = self.name;
  card.parent = self.node;
  card.name = name;
  card.node = random_uuid();
  card.catchment = catchment;
  card.authority_pem = authority.certificate_pem();
  card.network_key = self.network_key;
  card.parent_incarnation = self.incarnation;
  card.parent_recipient = stick.recipient;
  OMRSYNC_TRY(issued, authority.issue_client(to_string(card.node), from_now(kCertificateLife)));
  card.certificate_pem = issued.certificate_pem;
  card.key_pem = issued.key_pem;
  OMRSYNC_TRY(fingerprint, http::fingerprint(issued.certificate_pem));
  OMRSYNC_CHECK(system::write_file_atomically(card_file, to_pretty_string(to_json(card)), 0600));
  node::ChildRecord child;
  child.node = card.node;
  child.name = name;
  child.catchment = catchment;
  child.fingerprint = fingerprint;
  child.added_ms = now_ms();
  if (const Status added = admin::add_child(store, child); !added) {
    std::error_code ignored;
    fs::remove(card_file, ignored);
    return added.error();
  }
  return card;
}

}  // namespace omrsync::app
