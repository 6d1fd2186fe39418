#pragma once

#include <filesystem>

#include "node/app/config.h"

namespace omrsync::app {

/// What lies where in a node's state folder (mode 0700).
struct StateFolder {
  std::filesystem::path path;

  explicit StateFolder(const Config& config) : path(config.node.state_dir) {}
  explicit StateFolder(std::filesystem::path state_dir) : path(std::move(state_dir)) {}

  [[nodiscard]] std::filesystem::path lock() const { return path / "lock"; }
  [[nodiscard]] std::filesystem::path control_socket() const { return path / "control.sock"; }
  /// For packages to this node: a secret of age.
  [[nodiscard]] std::filesystem::path stick_key() const { return path / "stick.key"; }
  /// Of a node with children: its own authority (ca.key, ca.crt) and the listener's certificate.
  [[nodiscard]] std::filesystem::path authority() const { return path / "authority"; }
  [[nodiscard]] std::filesystem::path server_key() const { return path / "authority" / "server.key"; }
  [[nodiscard]] std::filesystem::path server_certificate() const { return path / "authority" / "server.crt"; }
  /// Of a node with a parent: what its card brought.
  [[nodiscard]] std::filesystem::path card() const { return path / "card"; }
  [[nodiscard]] std::filesystem::path parent_authority() const { return card() / "parent-ca.crt"; }
  /// Key and certificate stand in one file, so that a renewal replaces both or neither.
  [[nodiscard]] std::filesystem::path client_key() const { return card() / "client.pem"; }
  [[nodiscard]] std::filesystem::path client_certificate() const { return card() / "client.pem"; }
  /// A key that has no certificate yet.
  [[nodiscard]] std::filesystem::path new_key() const { return card() / "new.key"; }
};

}  // namespace omrsync::app
