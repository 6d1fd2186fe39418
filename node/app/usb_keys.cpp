#include "node/app/usb_keys.h"

#include "adapters/http/certificates.h"
#include "adapters/system/files.h"
#include "node/app/state_folder.h"
#include "node/store/facts.h"

namespace omrsync::app {

namespace fs = std::filesystem;

namespace {

Result<stick::AgeKey> key_in(const fs::path& file) {
  OMRSYNC_TRY(text, system::read_secret_file(file));
  return stick::read_age_key(text);
}

Result<stick::AgeKey> make_key(const fs::path& file) {
  OMRSYNC_TRY(key, stick::new_age_key());
  const std::string text = "# A secret: opens the packages for this node.\n# public key: " + key.recipient + "\n";
  OMRSYNC_CHECK(system::write_file_atomically(file, text + key.secret + "\n", 0600));
  return key;
}

}  // namespace

Result<stick::AgeKey> stick_key(const Config& config, ports::Store& store) {
  const fs::path file = StateFolder(config).stick_key();
  std::error_code ignored;
  if (fs::exists(file, ignored)) {
    OMRSYNC_TRY(key, key_in(file));
    OMRSYNC_TRY(tx, store.read());
    OMRSYNC_TRY(identity, node::identity(*tx));
    if (identity && identity->recipient == key.recipient) return key;
  }
  OMRSYNC_TRY(tx, store.write());  // one process at a time gets further
  OMRSYNC_TRY(key, fs::exists(file, ignored) ? key_in(file) : make_key(file));
  OMRSYNC_TRY(identity, node::identity(*tx));
  if (!identity) return Error{Remedy::stop_node, Code::config_missing, "This node was not set up by 'omrsync init'."};
  identity->recipient = key.recipient;
  OMRSYNC_CHECK(node::put_identity(*tx, *identity));
  OMRSYNC_CHECK(tx->commit());
  return key;
}

Result<SigningKey> signing_key(const Config& config, const std::string& link) {
  const StateFolder state(config);
  const bool up = link == node::kParentLink;
  OMRSYNC_TRY(key, system::read_secret_file(up ? state.client_key() : state.server_key()));
  OMRSYNC_TRY(certificate, system::read_file(up ? state.client_certificate() : state.server_certificate()));
  OMRSYNC_TRY(alone, http::certificate_alone(certificate));  // its file holds the key too, which must not leave
  return SigningKey{std::move(key), std::move(alone)};
}

}  // namespace omrsync::app
