#include "node/app/usb_trust.h"

#include "adapters/http/signing.h"
#include "adapters/system/files.h"
#include "node/app/state_folder.h"
#include "node/app/usb_words.h"

namespace omrsync::app {
namespace {

Error refused(Code code, std::string message) { return {Remedy::set_aside, code, std::move(message)}; }

Result<http::Signer> signer_under(const std::filesystem::path& authority, const stick::Package& package) {
  OMRSYNC_TRY(pem, system::read_file(authority));
  return http::check_signature(pem, package.certificate, package.manifest_text, package.signature);
}

/// A child's certificate is for calling, the parent's for listening: neither can pass for the other.
Result<bool> is_from_parent(const Config& config, ports::StoreTransaction& tx, const stick::Package& package) {
  if (!config.parent) return false;
  const auto signer = signer_under(StateFolder(config).parent_authority(), package);
  if (!signer || !signer->parent) return false;
  OMRSYNC_TRY(link, node::link_record(tx, node::kParentLink));
  OMRSYNC_TRY(stick, node::stick_record(tx, node::kParentLink));
  const Uuid known = link.life.parent.is_load() ? stick.peer.node : link.life.parent.node;
  return known.empty() || known == package.manifest.sender.id;
}

}  // namespace

Result<std::string> link_of_package(const Config& config, ports::StoreTransaction& tx, const node::Identity& identity,
                                    const stick::Package& package) {
  OMRSYNC_CHECK(check_package_signature(package));
  const stick::Manifest& manifest = package.manifest;
  if (manifest.recipient.id != identity.node)
    return refused(Code::usb_not_for_us, "The package " + package.folder.filename().string() + " is for another node.");
  OMRSYNC_TRY(from_parent, is_from_parent(config, tx, package));
  if (from_parent) return std::string(node::kParentLink);
  const std::string link = to_string(manifest.sender.id);
  OMRSYNC_TRY(child, node::get_record<node::ChildRecord>(tx, node::tables::kNodes, link));
  if (!config.listen || !child)
    return refused(Code::usb_sender_refused, "The package's sender is not a node that this one knows.");
  OMRSYNC_TRY(signer, signer_under(StateFolder(config).authority() / "ca.crt", package));
  if (signer.node != link)
    return refused(Code::usb_sender_refused, "The package was signed by another node than the one it names.");
  if (child->state == node::ChildRecord::State::revoked)
    return refused(Code::usb_sender_refused, child->name + " was revoked.");
  return link;
}

}  // namespace omrsync::app
