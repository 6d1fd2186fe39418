#include "node/app/issue.h"

#include "adapters/http/signing_request.h"
#include "adapters/system/clock.h"
#include "adapters/system/files.h"
#include "node/admin/nodes.h"
#include "node/app/identity.h"
#include "node/app/open.h"
#include "node/app/state_folder.h"
#include "node/app/usb_keys.h"
#include "node/store/facts.h"
#include "protocol/enrol_code.h"

namespace omrsync::app {
namespace {

namespace fs = std::filesystem;

Error unset() { return {Remedy::stop_node, Code::config_missing, "This node was not set up by 'omrsync init'."}; }

std::chrono::seconds certificate_life(const Config& config) {
  return std::chrono::duration_cast<std::chrono::seconds>(config.listen->certificate_life);
}

Result<admin::GivenCertificate> described(std::string pem) {
  OMRSYNC_TRY(fingerprint, http::fingerprint(pem));
  OMRSYNC_TRY(expiry, http::certificate_expiry(pem));
  return admin::GivenCertificate{std::move(pem), std::move(fingerprint),
                                 std::chrono::milliseconds(expiry.time_since_epoch()).count()};
}

/// A secret that was never used, and the authority that it belongs to.
Result<EnrolCode> new_code(const Config& config) {
  OMRSYNC_TRY(issuer, Issuer::open(config));
  OMRSYNC_TRY(fingerprint, http::fingerprint(issuer.authority_pem()));
  EnrolCode code;
  system::Entropy entropy;
  while (code.secret.size() < EnrolCode::kSecretBytes) code.secret += static_cast<char>(entropy.next());
  for (std::size_t i = 0; i < EnrolCode::kAuthorityBytes; ++i)
    code.authority += static_cast<char>(std::stoi(fingerprint.substr(2 * i, 2), nullptr, 16));
  return code;
}

node::ChildRecord new_child(const std::string& name, const std::string& catchment) {
  node::ChildRecord child;
  child.node = random_uuid();
  child.name = name;
  child.catchment = catchment;
  child.added_ms = now_ms();
  return child;
}

}  // namespace

std::string url_for_children(const Config& config) {
  return config.listen->url.empty() ? "https://" + config.listen->address : config.listen->url;
}

http::Validity from_now(std::chrono::seconds length) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::milliseconds(now_ms()));
  return {std::chrono::sys_seconds(now), length};
}

Result<Issuer> Issuer::open(const Config& config) {
  if (!config.listen)
    return Error{Remedy::stop_node, Code::usage, "This node has no [listen] section, so it cannot have children."};
  OMRSYNC_TRY(authority, http::CertificateAuthority::open(StateFolder(config).authority()));
  return Issuer(config, std::move(authority));
}

Result<admin::GivenCertificate> Issuer::sign(const Uuid& node, const std::string& request_pem) const {
  OMRSYNC_TRY(pem, authority_.sign_client(request_pem, to_string(node), from_now(certificate_life(config_))));
  return described(std::move(pem));
}

Result<EnrolAnswer> Issuer::answer(ports::StoreTransaction& tx, const node::ChildRecord& child,
                                   const std::string& certificate_pem) const {
  OMRSYNC_TRY(self, node::identity(tx));
  if (!self) return unset();
  OMRSYNC_TRY(link, node::link_record(tx, to_string(child.node)));
  EnrolAnswer answer;
  answer.card.parent_url = url_for_children(config_);
  answer.card.parent_name = self->name;
  answer.card.parent = self->node;
  answer.card.parent_incarnation = self->incarnation;
  answer.card.parent_recipient = self->recipient;
  answer.card.name = child.name;
  answer.card.node = child.node;
  answer.card.catchment = child.catchment;
  answer.card.authority_pem = authority_.certificate_pem();
  answer.card.certificate_pem = certificate_pem;
  answer.card.incarnation = link.life.child.incarnation.counter;
  OMRSYNC_TRY(sealed, http::seal_for(certificate_pem, key_text(self->network_key)));
  answer.sealed_network_key = std::move(sealed);
  return answer;
}

Result<NewCode> invite(const Config& config, ports::Store& store, const std::string& name,
                       const std::string& catchment) {
  OMRSYNC_TRY(code, new_code(config));
  const node::ChildRecord child = new_child(name, catchment);
  OMRSYNC_CHECK(admin::invite_child(store, child, hash_of_secret(code.secret), child.added_ms));
  return NewCode{child, to_string(code), child.added_ms + admin::kCodeLife_ms};
}

Result<NewCode> token(const Config& config, ports::Store& store, const std::string& name, bool dry_run) {
  OMRSYNC_TRY(code, new_code(config));
  const std::int64_t now = now_ms();
  OMRSYNC_TRY(child, admin::renew_code(store, name, hash_of_secret(code.secret), now, dry_run));
  return NewCode{std::move(child), dry_run ? std::string() : to_string(code), now + admin::kCodeLife_ms};
}

Result<Card> make_child(const Config& config, ports::Store& store, const std::string& name,
                        const std::string& catchment, const fs::path& card_file) {
  OMRSYNC_TRY(issuer, Issuer::open(config));
  OMRSYNC_CHECK(stick_key(config, store));  // its public half goes into the card
  node::ChildRecord child = new_child(name, catchment);
  Card card;
  {
    OMRSYNC_TRY(tx, store.read());
    OMRSYNC_CHECK(admin::check_new_child(*tx, name, catchment));
    OMRSYNC_TRY(key, http::make_key());
    OMRSYNC_TRY(request, http::signing_request(key, name));
    OMRSYNC_TRY(given, issuer.sign(child.node, request));
    OMRSYNC_TRY(answer, issuer.answer(*tx, child, given.pem));
    OMRSYNC_TRY(whole, card_of(std::move(answer), name, key));
    card = std::move(whole);
    child.fingerprint = given.fingerprint;
    child.certificate_expires_ms = given.expires_ms;
  }
  OMRSYNC_CHECK(system::write_file_atomically(card_file, to_pretty_string(to_json(card)), 0600));
  if (const Status added = admin::add_child(store, child); !added) {
    std::error_code ignored;
    fs::remove(card_file, ignored);
    return added.error();
  }
  return card;
}

Result<SignedRequest> sign_request_file(const Config& config, ports::Store& store, const fs::path& request_file,
                                        const fs::path& answer_file, const std::string& expected_name,
                                        const std::string& catchment) {
  OMRSYNC_TRY(issuer, Issuer::open(config));
  OMRSYNC_CHECK(stick_key(config, store));  // its public half goes into the answer
  OMRSYNC_TRY(text, system::read_file(request_file));
  OMRSYNC_TRY(json, parse_json(text, Code::enrol_request_unsound));
  OMRSYNC_TRY(request, enrol_request_from(json));
  if (!expected_name.empty() && request.name != expected_name)
    return Error{Remedy::stop_node, Code::enrol_name_mismatch,
                 "The request is of a node of another name, '" + request.name + "'."};
  OMRSYNC_TRY(tx, store.write());
  OMRSYNC_TRY(known, admin::find_child(*tx, request.name));
  node::ChildRecord child = known ? *known : new_child(request.name, catchment);
  if (!known) OMRSYNC_CHECK(admin::put_child(*tx, child));
  OMRSYNC_TRY(given, issuer.sign(child.node, request.request_pem));
  OMRSYNC_CHECK(admin::void_codes(*tx, child.node));
  OMRSYNC_CHECK(admin::settle_certificate(*tx, child, given, "file", "", now_ms()));
  OMRSYNC_TRY(answer, issuer.answer(*tx, child, given.pem));
  OMRSYNC_CHECK(system::write_file_atomically(answer_file, to_pretty_string(to_json(answer)), 0644));
  OMRSYNC_TRY(key, http::request_key(request.request_pem));
  OMRSYNC_TRY(authority, http::fingerprint(issuer.authority_pem()));
  OMRSYNC_CHECK(tx->commit());
  return SignedRequest{std::move(child), std::move(key), std::move(authority)};
}

}  // namespace omrsync::app
